// tracks → the lineage tree: time to the right, a row for each branch.

function makeTree({ onPick }) {
  const LEFT = 10, RIGHT = 34, TOP = 14;
  const place = document.querySelector("#tree");
  const shown = branches.row.flatMap((row, i) => (row < 0 ? [] : [i + 1]));
  const rows = Math.max(0, ...branches.row) + 1;
  const pitch = Math.min(22, Math.max(7, 420 / rows));
  const width = Math.max(360, place.clientWidth - 4);
  const height = rows * pitch + TOP + 8;
  const toX = (frame) => LEFT + (frame / Math.max(film.nFrames - 1, 1)) * (width - LEFT - RIGHT);
  const toY = (track) => TOP + (branches.row[track - 1] + 0.5) * pitch;
  const cursor = makeSvg("line", { class: "cursor", y1: 0, y2: height });
  const svg = makeSvg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Lineage tree of ${shown.length} tracks` }, cursor);
  const groups = new Map(shown.map((track) => [track, drawBranch(track)]));
  svg.append(...groups.values());
  place.append(svg);
  let lit = [];

  function drawBranch(track) {
    const i = track - 1, y = toY(track), colour = colourOf(track), parent = branches.parent_track_id[i];
    const begin = parent ? branches.end_frame[parent - 1] : branches.begin_frame[i];
    const [from, to] = [toX(begin), toX(branches.end_frame[i])];
    const rise = parent ? `M${from} ${toY(parent)}V${y}H${to}` : `M${from} ${y}H${to}`;
    const ends = { lost: () => makeSvg("circle", { cx: to, cy: y, r: 3, class: "lost" }), leaves: () => makeSvg("path", { d: `M${to} ${y}h6m-3 -3l3 3l-3 3`, class: "leaves" }) };
    const end = ends[branches.fate[i]];
    const name = branches.fate[i] === "divides" || pitch < 9 ? [] : [makeSvg("text", { x: to + 9, y: y + 3.5 }, String(track))];
    return makeSvg("g", { class: "branch", "data-track": track, stroke: colour, click: (event) => pick(event, track) },
      makeSvg("title", {}, `Cell ${track}: frames ${branches.begin_frame[i]} to ${branches.end_frame[i]}, ${branches.fate[i]}`),
      makeSvg("path", { d: `M${from} ${y}H${Math.max(to, from + 4)}`, class: "hit", "stroke-width": pitch }),
      makeSvg("path", { d: rise, class: "limb" }), ...(end ? [end()] : []), ...name);
  }

  // The frame under the pointer, in the time of the track.
  function pick(event, track) {
    const x = event.clientX - svg.getBoundingClientRect().left;
    const frame = Math.round(((x - LEFT) / (width - LEFT - RIGHT)) * (film.nFrames - 1));
    onPick(track, Math.min(Math.max(frame, branches.begin_frame[track - 1]), branches.end_frame[track - 1]));
  }

  function light(track) {
    for (const group of lit) group.classList.remove("lit", "kin");
    lit = [track, ...ancestorsOf(track)].flatMap((one) => groups.get(one) || []);
    lit.forEach((group, n) => group.classList.add(n ? "kin" : "lit"));
    if (!groups.has(track)) return;
    const top = toY(track) - place.clientHeight / 2;
    if (Math.abs(place.scrollTop - top) > place.clientHeight / 2 - 20) place.scrollTop = top;
  }

  return { light, setFrame: (frame) => { cursor.setAttribute("x1", toX(frame)); cursor.setAttribute("x2", toX(frame)); } };
}
