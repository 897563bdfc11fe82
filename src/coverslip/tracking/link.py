"""cells of every frame → who became whom."""
from __future__ import annotations
from dataclasses import replace
import numpy as np
from coverslip.tracking.cells import typical_radius
from coverslip.tracking.cost import Scales, propose, link_costs, division_costs, side_costs, shape_distance, join
from coverslip.tracking.motion import find_drift, follow_neighbours
from coverslip.tracking.solve import solve

def link_pair(before, after, expected, drift, s):
    if not len(before) or not len(after):
        return np.empty((0, 2), int), np.empty((0, 3), int)
    links, divisions = propose(expected, after)
    return solve(links, link_costs(before, after, expected, links, s), divisions, division_costs(before, after, expected, divisions, s), side_costs(before, drift, s), side_costs(after, -drift, s))

def ways(before, after, links, divisions):
    a, mid, cov = join(after, divisions[:, 1], divisions[:, 2])
    who = np.concatenate([links[:, 0], divisions[:, 0]])
    moved = np.vstack([after.place[links[:, 1]] - before.place[links[:, 0]], mid - before.place[divisions[:, 0]]])
    return who, moved

def shrink(values2, default, n0=8):
    """robust standard deviation of squares, drawn to a default when few"""
    n = len(values2)
    if not n: return default
    s2 = np.median(values2) 
    return np.sqrt((n * s2 + n0 * default ** 2) / (n + n0))

def learn(frames, pairs, expected, s):
    r = s.radius
    away=[];sh=[];gr=[];daway=[];dsh=[];dgr=[];sis=[]
    for t,(L,D) in enumerate(pairs):
        A,B=frames[t],frames[t+1]
        i,j=L.T
        away.append(((expected[t][i]-B.place[j])**2).sum(1))
        inner=(A.rim[i]>0)&(B.rim[j]>0); i,j=i[inner],j[inner]
        sh.append(shape_distance(A.spread[i],B.spread[j])); gr.append(np.log(B.area[j]/A.area[i]))
        i,j,k=D.T
        a,m,c=join(B,j,k)
        daway.append(((expected[t][i]-m)**2).sum(1)); 
        inner=(A.rim[i]>0)&(B.rim[j]>0)&(B.rim[k]>0)
        dsh.append(shape_distance(A.spread[i],c)[inner]); dgr.append(np.log(a/A.area[i])[inner]); sis.append(np.log(B.area[j]/B.area[k])[inner])
    c=np.concatenate
    away,sh,gr,daway,dsh,dgr,sis=map(c,(away,sh,gr,daway,dsh,dgr,sis))
    growth=float(np.median(gr)) if len(gr) else 0.
    # medians of squares: of chi² with 2 degrees .5*1.386, with 1 .455
    n=len(away)
    motion=np.clip(shrink(away/1.386,.5*r),.08*r,2*r)
    return replace(s, growth=growth, motion=motion, shape=np.clip(shrink(sh/1.386*1.0,.3*r),.05*r,r), area=np.clip(shrink((gr-growth)**2/.455,.25),.05,.5),
      division_motion=np.clip(shrink(daway/1.386, max(1.5*motion,.3*r)), .1*r, 2*r),
      division_area=np.clip(shrink((dgr-growth)**2/.455,.25),.1,.5),
      division_shape=np.clip(shrink(dsh/1.386,r),.1*r,2*r),
      sisters=np.clip(shrink(sis**2/.455,.35),.15,.6))

def link(frames, verbose=False, rounds=3, over={}):
    r = typical_radius(frames)
    s = replace(Scales.of(r), **over)
    drifts = [find_drift(a, b, radius=r) for a, b in zip(frames, frames[1:])]
    expected = [a.place + d for a, d in zip(frames, drifts)]
    for turn in range(rounds):
        pairs = [link_pair(a, b, e, d, s) for a, b, e, d in zip(frames, frames[1:], expected, drifts)]
        for t, (L, D) in enumerate(pairs):
            who, moved = ways(frames[t], frames[t+1], L, D)
            if len(who) > 1: drifts[t] = np.median(moved, 0)
            expected[t] = frames[t].place + follow_neighbours(frames[t], who, moved, drift=drifts[t])
        if turn: expected = keep_way(frames, pairs, expected, verbose)
        s = replace(learn(frames, pairs, expected, s), **over)
        if verbose: print({k: round(v / (r if k in ('motion','shape','division_motion','division_shape') else 1), 3) for k, v in s.__dict__.items()}, sum(len(d) for _, d in pairs))
    return pairs

def keep_way(frames, pairs, expected, verbose):
    """own residual motion of the frame before foretells the next, as far as it does in this film"""
    own=[np.full((len(f),2),np.nan) for f in frames]
    num=den=0
    for t,(L,D) in enumerate(pairs):
        own[t+1][L[:,1]]=frames[t+1].place[L[:,1]]-expected[t][L[:,0]]
    for t in range(1,len(pairs)):
        L=pairs[t][0]; now=frames[t+1].place[L[:,1]]-expected[t][L[:,0]]; past=own[t][L[:,0]]
        ok=np.isfinite(past).all(1)
        n_,p_=now[ok],past[ok]
        if not len(n_): continue
        lim=4*np.median(np.hypot(*n_.T))+1e-9
        w=(np.hypot(*n_.T)<lim)&(np.hypot(*p_.T)<lim)
        num+=(n_[w]*p_[w]).sum(); den+=(p_[w]**2).sum()
    rho=np.clip(num/den,0,.95) if den else 0
    if verbose: print('persistence %.2f'%rho)
    if rho<.15: return expected
    return [e+rho*np.nan_to_num(o[:len(e)]) for e,o in zip(expected,own)]
