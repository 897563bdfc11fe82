// an image of the page → a window to check its cells in.

function makeViewer({ images, onMark }) {
  const now = { image: null, told: null, width: 0, film: [], paths: new Map(), rows: new Map(), chosen: null };
  const picture = makeSvg("image", { preserveAspectRatio: "none" });
  const near = makeSvg("g", { class: "tiles" });
  const ground = makeSvg("g", { class: "ground" }, picture, near);
  const tiles = makeTiles(near);
  const rim = makeSvg("use", { href: "#viewer-cells", class: "rim" });
  const cells = makeSvg("g", { id: "viewer-cells" });
  const chosenOnes = makeSvg("g", { class: "marks" });
  const front = makeSvg("g", { class: "front" });
  const look = makeLook(ground);
  const stage = makeSvg("svg", { class: "outlines stage", role: "img" }, look.filter, ground, rim, cells, chosenOnes, front);
  const bar = makeScaleBar();
  const zoom = makeZoom(stage, hearView);
  const markBar = makeMarkBar(() => now.image);
  const panel = makePanel({ onPick: pickRow, onHover: hoverRow, look: look.host, markBar: markBar.host });
  const outlined = button("Outlines", "Outlines on or off (O)", () => toggle(outlined, "bare"));
  const filled = button("Fill", "Fill cells or not (F)", () => toggle(filled, "filled"));
  const back = button("←", "Previous image (←)", () => step(-1));
  const on = button("→", "Next image (→)", () => step(1));
  const close = button("Close", "Close (Esc)", () => dialog.close());
  const clock = makeClock({ perSecond: 4, show: showFrame, onChange: hearClock });
  const controls = makeClockControls(clock, (index) => `frame ${data.frame[now.film[index]]}, ${index + 1} of ${now.film.length}`);
  const player = make("div", { class: "controls", hidden: "" }, make("div", { class: "line" }, ...controls.frames, controls.speed));
  const tools = make("div", { class: "toolbar", role: "toolbar", "aria-label": "View" },
    make("span", {}, back, on),
    make("span", {}, outlined, filled),
    make("span", {}, button("−", "Smaller (−)", zoom.farther), button("+", "Larger (+)", zoom.nearer), button("Fit", "Whole image (0)", zoom.fit)),
    close);
  const dialog = make("dialog", { id: "viewer", "aria-labelledby": "viewer-title" }, make("div", { class: "left" }, tools, make("div", { class: "sight" }, stage, bar.host), player), panel.host);

  function toggle(control, name) {
    const isOn = stage.classList.toggle(name);
    control.setAttribute("aria-pressed", String(name === "bare" ? !isOn : isOn));
  }

  function openImage(image) {
    clock.pause();
    const isSameFilm = dialog.open && now.film.includes(image);
    now.told = image;
    showImage(image);
    now.film = filmOf(image, images);
    player.hidden = now.film.length < 2;
    Object.assign(clock.state, { count: now.film.length, index: now.film.indexOf(image) });
    controls.update();
    const place = images.indexOf(image);
    back.disabled = place === 0;
    on.disabled = place === images.length - 1;
    panel.open(image, `image ${place + 1} of ${images.length}`);
    markBar.update();
    if (!dialog.open) dialog.showModal();
    const { width, height } = drawingOf(image);
    if (!isSameFilm) zoom.open(width, height);  // or else one looks at the same place
    if (!player.contains(document.activeElement)) panel.title.focus();
  }

  // The picture and its cells: all that changes while a film plays.
  function showImage(image) {
    const drawing = drawingOf(image);
    Object.assign(now, { image, paths: new Map(), rows: new Map(), chosen: null });
    for (const row of rowsOfImage(image)) now.rows.set(data.label[row], row);
    const { width, height } = drawing;
    tiles.open(image, drawing);
    if (now.width !== width) zoom.open(width, height);
    else if (now.view) tiles.update(now.view, drawing.pixels);
    now.width = width;
    fill(picture, { href: drawing.url, width, height }, []);
    look.open(drawing.names, drawing.nShown);
    stage.setAttribute("aria-label", `${data.images[image]}: ${drawing.cells.size} cells outlined`);
    for (const [number, cell] of drawing.cells) {
      now.paths.set(number, makeSvg("path", { d: cell.d, class: cell.colour, "data-cell": number }));
    }
    cells.replaceChildren(...now.paths.values());
    front.replaceChildren();
    drawMarks();
  }

  function showFrame(index) {
    const image = now.film[index];
    if (clock.isPlaying()) showImage(image);
    else openImage(image);
  }

  // What stands beside the picture waits until a film stands still.
  function hearClock() {
    controls.update();
    if (dialog.open && !clock.isPlaying() && now.told !== now.image) openImage(now.image);
  }

  function drawMarks() {
    const here = now.image === null ? [] : markedRows(now.image).filter((row) => now.paths.has(data.label[row]));
    chosenOnes.replaceChildren(...here.map((row) => makeSvg("path", { d: now.paths.get(data.label[row]).getAttribute("d"), class: "marked" })));
  }

  function hearView(view) {
    now.view = view;
    updateBar(view);
    if (now.image !== null) tiles.update(view, drawingOf(now.image).pixels);
  }

  // How many screen pixels one of the image has: the drawing may be coarser than the image.
  function updateBar(view) {
    const whole = data.width[now.image] || 0;
    const shown = whole ? (view.scale * drawingOf(now.image).width) / whole : 0;
    bar.update({ shown, width: stage.clientWidth, um: data.um[now.image] });
  }

  function pickRow(row, withShift) {
    if (withShift) toggleMark(row);
    else choose(row, zoom.centre);
  }

  function openCell(row) {
    openImage(data.image[row]);
    choose(row, zoom.centre);
  }

  function step(by) {
    const next = images[images.indexOf(now.image) + by];
    if (next !== undefined) openImage(next);
  }

  // Choose a cell by its row; `look` moves the view to it.
  function choose(row, look) {
    chooseNumber(row === null ? null : data.label[row]);
    const path = now.paths.get(now.chosen);
    if (path && look) look(boxOf(path.getAttribute("d")));
  }

  function chooseNumber(number) {
    now.chosen = number;
    point(number);
    const row = rowOf(number);
    panel.mark(row, true);
    onMark(row);
  }

  function rowOf(number) {
    return now.rows.has(number) ? now.rows.get(number) : null;
  }

  // Show what a cell is, without choosing it: null goes back to the chosen one.
  function point(number) {
    const pointed = number === null ? now.chosen : number;
    panel.describe(pointed, rowOf(pointed));
    const seen = new Set([pointed, now.chosen].filter((each) => now.paths.has(each)));
    front.replaceChildren();
    for (const each of seen) {
      const d = now.paths.get(each).getAttribute("d");
      const kind = each === now.chosen ? "chosen" : "pointed";
      front.append(makeSvg("path", { d, class: "under" }), makeSvg("path", { d, class: kind }));
    }
  }

  function hoverRow(row) {
    point(row === null ? null : data.label[row]);
  }

  function cellUnder(event) {
    const path = event.target.closest("[data-cell]");
    return path ? Number(path.dataset.cell) : null;
  }

  stage.addEventListener("pointermove", (event) => {
    // A viewer that opens under a still pointer must show the cell that was asked for.
    if (!event.movementX && !event.movementY) return;
    const number = cellUnder(event);
    point(number);
    panel.mark(number === null ? rowOf(now.chosen) : rowOf(number));
  });
  stage.addEventListener("click", (event) => {
    if (zoom.wasDragged()) return;
    clock.pause();
    const number = cellUnder(event);
    if (event.shiftKey && number !== null) toggleMark(rowOf(number));
    else chooseNumber(number);
  });
  const keys = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    ArrowUp: () => choose(panel.neighbour(rowOf(now.chosen), -1), zoom.reveal),
    ArrowDown: () => choose(panel.neighbour(rowOf(now.chosen), 1), zoom.reveal),
    "+": zoom.nearer, "=": zoom.nearer, "-": zoom.farther, 0: zoom.fit,
    o: () => outlined.click(),
    f: () => filled.click(),
    m: () => toggleMark(rowOf(now.chosen)),
    c: () => { look.host.open = !look.host.open; },
    " ": () => { if (now.film.length > 1) clock.toggle(); },
  };
  dialog.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    // A slider, a box and a button have uses of their own for some keys.
    const isField = event.target.matches("input[type=range]") && event.key.startsWith("Arrow");
    const isPressed = event.key === " " && event.target.matches("button:not(#play), input, summary");
    if (isField || isPressed) return;
    event.preventDefault();
    act();
  });
  outlined.setAttribute("aria-pressed", "true");
  filled.setAttribute("aria-pressed", "false");
  onMarks.push(drawMarks);
  dialog.addEventListener("close", () => clock.pause());
  document.body.append(dialog);
  return { openImage, openCell };
}
