// a track → its curves over time, and what is known of it.

function makeCurves({ onFrame }) {
  const W = 460, H = 170, LEFT = 52, RIGHT = 446, TOP = 12, FLOOR = 130;
  const place = document.querySelector("#curves");
  const fates = { divides: "divides", leaves: "leaves the field", lost: "is lost", merges: "merges with another", end: "is there at the end" };
  let cursors = [], toX = () => LEFT;

  function show(track) {
    const i = track - 1, older = ancestorsOf(track).reverse();
    document.querySelector("#cell-title").textContent = `Cell ${track}`;
    const family = branches.lineage_id[i] === track ? "the first of its family" : `family ${branches.lineage_id[i]}, generation ${branches.generation[i]}, mother ${branches.parent_track_id[i] || "unknown"}`;
    document.querySelector("#cell-about").textContent = `Frames ${branches.begin_frame[i]} to ${branches.end_frame[i]}; ${family}; ${fates[branches.fate[i]]}.${older.length ? " Thin: its mother and hers." : ""}`;
    const first = branches.begin_frame[(older[0] || track) - 1], last = Math.max(branches.end_frame[i], first + 1);
    toX = (frame) => LEFT + ((frame - first) / (last - first)) * (RIGHT - LEFT);
    cursors = [];
    place.replaceChildren(...film.cells.curves.map((curve) => draw(curve, track, older, [first, last])));
  }

  function draw(curve, track, older, [first, last]) {
    const rows = [...older, track].flatMap((one) => rowsByTrack.get(one) || []).filter((row) => curve.values[row] !== null);
    const top = rows.reduce((most, row) => Math.max(most, curve.values[row]), 0) || 1;
    const toY = (value) => FLOOR - (value / top) * (FLOOR - TOP);
    const line = (one, name) => makeSvg("polyline", { class: name, stroke: colourOf(one), points: rows.filter((row) => film.cells.track[row] === one).map((row) => `${toX(film.cells.frame[row]).toFixed(1)},${toY(curve.values[row]).toFixed(1)}`).join(" ") });
    const dots = rows.filter((row) => film.cells.track[row] === track).map((row) => makeSvg("circle", { class: "point", fill: colourOf(track), r: rows.length > 60 ? 2 : 3, cx: toX(film.cells.frame[row]), cy: toY(curve.values[row]), click: () => onFrame(track, film.cells.frame[row]) }, makeSvg("title", {}, `Frame ${film.cells.frame[row]}: ${curve.values[row]} ${curve.unit}`)));
    const ticks = [0, top / 2, top].flatMap((value) => [makeSvg("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: toY(value), y2: toY(value) }), makeSvg("text", { x: LEFT - 7, y: toY(value) + 4, "text-anchor": "end" }, String(Number(value.toPrecision(3))))]);
    const ends = [first, last].map((frame) => makeSvg("text", { x: toX(frame), y: FLOOR + 17, "text-anchor": "middle" }, String(frame)));
    const cursor = makeSvg("line", { class: "cursor", y1: TOP, y2: FLOOR });
    cursors.push(cursor);
    const title = curve.name[0].toUpperCase() + curve.name.slice(1) + (curve.unit ? ` (${curve.unit})` : "");
    return make("figure", { class: "chart cell-curve" }, make("figcaption", {}, title),
      makeSvg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${title} of cell ${track}` }, ...ticks, ...ends, makeSvg("text", { x: (LEFT + RIGHT) / 2, y: FLOOR + 34, "text-anchor": "middle" }, "frame"), cursor, ...older.map((one) => line(one, "older")), line(track, "own"), ...dots));
  }

  function setFrame(frame) {
    const x = Math.min(Math.max(toX(frame), LEFT), RIGHT);
    for (const cursor of cursors) { cursor.setAttribute("x1", x); cursor.setAttribute("x2", x); }
  }

  return { show, setFrame };
}
