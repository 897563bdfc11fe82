# One would guess: motile's EdgeDistanceCost weighs every chosen edge by its length, those to daughters too.
# Really: edges of a division cost nothing, however long; EdgeSelectedCost with a distance attribute weighs them.
# Version: motile 1.0.1
# Source: https://pypi.org/project/motile/1.0.1/ (motile/costs/edge_distance.py: EdgeContinuation)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q motile==1.0.1 2>"$work/pip.log" || { cat "$work/pip.log"; exit 2; }
cat >"$work/try.py" <<'PY'
import sys
from importlib.metadata import version
import motile, networkx
from motile.constraints import MaxChildren, MaxParents
from motile.costs import EdgeDistanceCost, EdgeSelectedCost, NodeAppearCost, NodeSelectedCost

graph = networkx.DiGraph()
for node, (t, x) in enumerate([(0, 0.0), (1, 1.0), (1, 100.0)]):
    graph.add_node(node, t=t, x=x)
graph.add_edge(0, 1, distance=1.0)
graph.add_edge(0, 2, distance=100.0)

def link(cost):
    solver = motile.Solver(motile.TrackGraph(graph, frame_attribute="t"))
    solver.add_cost(cost)
    solver.add_cost(NodeSelectedCost(constant=-50))
    solver.add_cost(NodeAppearCost(constant=10))
    solver.add_constraint(MaxParents(1))
    solver.add_constraint(MaxChildren(2))
    solver.solve(verbose=False)
    return sorted(tuple(map(int, edge)) for edge in solver.get_selected_subgraph().edges)

by_distance = link(EdgeDistanceCost(("x",), weight=1, constant=-10))
by_attribute = link(EdgeSelectedCost(weight=1, attribute="distance", constant=-10))
print("motile", version("motile"))
print("a cell at 0, then cells at 1 and 100; a new cell costs 10, an edge its length - 10")
print("EdgeDistanceCost chooses", by_distance)
print("EdgeSelectedCost chooses", by_attribute)
sys.exit(0 if by_distance == [(0, 1), (0, 2)] and by_attribute == [(0, 1)] else 1)
PY
"$work/venv/bin/python" "$work/try.py"
