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
  const zoom = makeZoom(stage);
  const state = { index: 0, track: 0, timer: null, perSecond: Math.min(6, Math.max(2, film.shown.length / 8)), still: false, withTails: true, withPicture: true };
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
    const frame = film.shown[state.index];
    const [dy, dx] = shiftOf(frame);
    world.setAttribute("transform", `translate(${dx} ${dy})`);
    const image = film.pictures[state.index];
    const isMissing = film.pictures.length > 0 && !image;
    picture.toggleAttribute("hidden", !image || !state.withPicture);
    if (image) picture.setAttribute("href", image);
    missing.toggleAttribute("hidden", !isMissing || !state.withPicture);
    cells.replaceChildren(...outlinesOf(state.index).map(([track, path]) => drawCell(track, path)));
    tails.replaceChildren(...(state.withTails ? rowsByFrame.get(frame).map((row) => drawTail(row, frame)) : []));
    onFrame(state.index, frame);
  }

  function drawCell(track, path) {
    const colour = colourOf(track);
    const chosen = track === state.track ? " picked" : "";
    return makeSvg("path", { d: path, class: `cell${chosen}`, stroke: colour, fill: colour, "data-track": track }, makeSvg("title", {}, `Cell ${track}`));
  }

  function drawTail(last, frame) {
    const track = film.cells.track[last], points = [];
    const before = film.shown[Math.max(0, state.index - TAIL)];
    for (let row = last; film.cells.track[row] === track && film.cells.frame[row] >= before; row--) {
      const [y, x] = [0, 1].map((side) => film.drift[frame][side] - film.drift[film.cells.frame[row]][side]);
      points.push(`${(film.cells.x[row] + x + 0.5).toFixed(1)},${(film.cells.y[row] + y + 0.5).toFixed(1)}`);
    }
    return makeSvg("polyline", { points: points.join(" "), stroke: colourOf(track), class: track === state.track ? "picked" : null });
  }

  function go(index) {
    state.index = Math.min(Math.max(index, 0), film.shown.length - 1);
    draw();
  }

  function step(by) {
    pause();
    go(state.index + by);
  }

  function play() {
    if (state.index === film.shown.length - 1) go(0);
    clearInterval(state.timer);
    state.timer = setInterval(() => go((state.index + 1) % film.shown.length), 1000 / state.perSecond);
    onFrame(state.index, film.shown[state.index]);
  }

  function pause() {
    clearInterval(state.timer);
    state.timer = null;
    onFrame(state.index, film.shown[state.index]);
  }

  // Show a cell, where it is at a frame or nearest to it, in the middle.
  function show(track, frame) {
    state.track = track;
    if (frame !== null) {
      pause();
      go(indexOf(frame));
      const now = film.shown[state.index];
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

  return { state, zoom, go, step, play, pause, show, draw, frameView, isPlaying: () => state.timer !== null };
}

function makeControls(player) {
  const toggle = button("▶", "Play or pause (space)", () => (player.isPlaying() ? player.pause() : player.play()));
  toggle.id = "play";
  const slider = make("input", { type: "range", id: "frame", min: 0, max: film.shown.length - 1, value: 0, "aria-label": "Frame", input: () => { player.pause(); player.go(Number(slider.value)); } });
  const said = make("output", { id: "now" });
  const speed = make("input", { type: "range", id: "speed", min: 1, max: 30, value: player.state.perSecond, "aria-label": "Frames a second", input: () => { player.state.perSecond = Number(speed.value); if (player.isPlaying()) player.play(); } });
  const box = (text, name, after) => {
    const input = make("input", { type: "checkbox", change: () => { player.state[name] = input.checked; after(); player.draw(); } });
    input.checked = player.state[name];
    return make("label", {}, input, ` ${text}`);
  };
  const nothing = () => {};
  document.querySelector("#controls").append(
    make("div", { class: "line" }, button("◂", "One frame back (←)", () => player.step(-1)), toggle, button("▸", "One frame on (→)", () => player.step(1)), slider, said),
    make("div", { class: "line" }, make("label", {}, "Speed ", speed), box("tails", "withTails", nothing),
      ...(film.pictures.length ? [box("image", "withPicture", nothing)] : []),
      ...(film.drift.some(([y, x]) => y || x) ? [box("hold the stage still", "still", player.frameView)] : []),
      button("−", "Smaller", player.zoom.farther), button("+", "Larger", player.zoom.nearer), button("Fit", "The whole view", player.zoom.fit)),
  );
  return (index, frame) => {
    slider.value = index;
    said.textContent = `${timeOf(frame)} of ${film.nFrames - 1}`;
    toggle.textContent = player.isPlaying() ? "❚❚" : "▶";
  };
}

function listenToKeys(player) {
  const keys = {
    " ": () => (player.isPlaying() ? player.pause() : player.play()),
    ArrowLeft: () => player.step(-1),
    ArrowRight: () => player.step(1),
    Home: () => player.step(-Infinity),
    End: () => player.step(Infinity),
  };
  document.addEventListener("keydown", (event) => {
    const isOther = event.target.closest && event.target.closest("#speed, #events button, [type=checkbox], .controls button:not(#play)");
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey || (isOther && event.key === " ") || event.target.id === "speed") return;
    event.preventDefault();
    keys[event.key]();
  });
}
