// frames → a film that plays: outlines, tails, keys.

const TAIL = 12; // frames

function makePlayer({ onFrame, onPick }) {
  const stage = document.querySelector("#stage");
  const picture = makeSvg("image", { width: film.width, height: film.height, preserveAspectRatio: "none" });
  const missing = makeSvg("text", { class: "missing", x: film.width / 2, y: film.height / 2, "text-anchor": "middle", "font-size": film.width / 20 }, "This frame's image is missing");
  const tails = makeSvg("g", { class: "tails" });
  const cells = makeSvg("g", { class: "cells" });
  const world = makeSvg("g", {}, makeSvg("rect", { class: "ground", width: film.width, height: film.height }), picture, missing, tails, cells);
  stage.append(world);
  const bar = makeScaleBar();
  stage.after(bar.host);
  const zoom = makeZoom(stage, ({ scale }) => bar.update({ shown: scale, width: stage.clientWidth, um: film.um }));
  const state = { track: 0, still: false, withTails: true, withPicture: true };
  const perSecond = Math.min(6, Math.max(2, film.shown.length / 8));
  const clock = makeClock({ perSecond, show: draw, onChange: () => onFrame(clock.state.index, film.shown[clock.state.index]) });
  clock.state.count = film.shown.length;
  const origin = { y: 0, x: 0 };

  // In a view that holds still, the frames lie where the stage was.
  function frameView() {
    const xs = [0], ys = [0];
    if (state.still) for (const t of film.shown) { ys.push(-film.drift[t][0]); xs.push(-film.drift[t][1]); }
    origin.y = Math.min(...ys);
    origin.x = Math.min(...xs);
    zoom.open(film.width + Math.max(...xs) - origin.x, film.height + Math.max(...ys) - origin.y);
    if (state.still) zoom.centre(extent());
  }

  function extent() {
    const ends = [0, 1].map((side) => film.cells.frame.reduce(([low, high], t, row) => {
      const place = (side ? film.cells.x : film.cells.y)[row] - film.drift[t][side];
      return [Math.min(low, place), Math.max(high, place)];
    }, [Infinity, -Infinity]));
    const [y, x] = ends.map(([low, high]) => (low + high) / 2);
    // What is put in the middle is shown with as much on each side again, and half of that.
    const [height, width] = ends.map(([low, high]) => (high - low) * 0.36);
    return { x: x - origin.x - width / 2, y: y - origin.y - height / 2, width, height };
  }

  function shiftOf(frame) {
    return state.still ? [-film.drift[frame][0] - origin.y, -film.drift[frame][1] - origin.x] : [-origin.y, -origin.x];
  }

  function draw() {
    const { index } = clock.state;
    const frame = film.shown[index];
    const [dy, dx] = shiftOf(frame);
    world.setAttribute("transform", `translate(${dx} ${dy})`);
    const image = film.pictures[index];
    const isMissing = film.pictures.length > 0 && !image;
    picture.toggleAttribute("hidden", !image || !state.withPicture);
    if (image) picture.setAttribute("href", image);
    missing.toggleAttribute("hidden", !isMissing || !state.withPicture);
    cells.replaceChildren(...outlinesOf(index).map(([track, path]) => drawCell(track, path)));
    tails.replaceChildren(...(state.withTails ? rowsByFrame.get(frame).map((row) => drawTail(row, frame)) : []));
  }

  function drawCell(track, path) {
    const colour = colourOf(track);
    const chosen = track === state.track ? " picked" : "";
    return makeSvg("path", { d: path, class: `cell${chosen}`, stroke: colour, fill: colour, "data-track": track }, makeSvg("title", {}, `Cell ${track}`));
  }

  function drawTail(last, frame) {
    const track = film.cells.track[last], points = [];
    const before = film.shown[Math.max(0, clock.state.index - TAIL)];
    for (let row = last; film.cells.track[row] === track && film.cells.frame[row] >= before; row--) {
      const [y, x] = [0, 1].map((side) => film.drift[frame][side] - film.drift[film.cells.frame[row]][side]);
      points.push(`${(film.cells.x[row] + x + 0.5).toFixed(1)},${(film.cells.y[row] + y + 0.5).toFixed(1)}`);
    }
    return makeSvg("polyline", { points: points.join(" "), stroke: colourOf(track), class: track === state.track ? "picked" : null });
  }

  // Show a cell, where it is at a frame or nearest to it, in the middle.
  function show(track, frame) {
    state.track = track;
    if (frame !== null) {
      clock.pause();
      clock.go(indexOf(frame));
      const now = film.shown[clock.state.index];
      const row = rowAt(track, now);
      if (row !== undefined) {
        const [dy, dx] = shiftOf(now);
        zoom.reveal({ x: film.cells.x[row] + dx - 10, y: film.cells.y[row] + dy - 10, width: 20, height: 20 });
      }
    } else draw();
  }

  cells.addEventListener("click", (event) => {
    const track = event.target.closest("[data-track]");
    if (track && !zoom.wasDragged()) onPick(Number(track.dataset.track), null);
  });
  state.still = Math.max(...film.drift.flat().map(Math.abs)) > 0.05 * film.width;

  return { state, clock, zoom, show, draw, frameView };
}

function makeControls(player) {
  const say = (index) => `${timeOf(film.shown[index])} of ${film.nFrames - 1}`;
  const controls = makeClockControls(player.clock, say);
  const box = (text, name, after) => {
    const input = make("input", { type: "checkbox", change: () => { player.state[name] = input.checked; after(); player.draw(); } });
    input.checked = player.state[name];
    return make("label", {}, input, ` ${text}`);
  };
  const nothing = () => {};
  document.querySelector("#controls").append(
    make("div", { class: "line" }, ...controls.frames),
    make("div", { class: "line" }, controls.speed, box("tails", "withTails", nothing),
      ...(film.pictures.length ? [box("image", "withPicture", nothing)] : []),
      ...(film.drift.some(([y, x]) => y || x) ? [box("hold the stage still", "still", player.frameView)] : []),
      button("−", "Smaller", player.zoom.farther), button("+", "Larger", player.zoom.nearer), button("Fit", "The whole view", player.zoom.fit)),
  );
  return controls.update;
}

function listenToKeys(player) {
  const keys = {
    " ": player.clock.toggle,
    ArrowLeft: () => player.clock.step(-1),
    ArrowRight: () => player.clock.step(1),
    Home: () => player.clock.step(-Infinity),
    End: () => player.clock.step(Infinity),
  };
  document.addEventListener("keydown", (event) => {
    const isOther = event.target.closest && event.target.closest("#speed, #events button, [type=checkbox], .controls button:not(#play)");
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey || (isOther && event.key === " ") || event.target.id === "speed") return;
    event.preventDefault();
    keys[event.key]();
  });
}
