// an image of the page → a window to check its cells in.

function makeViewer({ images, onMark }) {
  const picture = makeSvg("image", { preserveAspectRatio: "none" });
  const rim = makeSvg("use", { href: "#viewer-cells", class: "rim" });
  const cells = makeSvg("g", { id: "viewer-cells" });
  const front = makeSvg("g", { class: "front" });
  const stage = makeSvg("svg", { class: "outlines stage", role: "img" }, picture, rim, cells, front);
  const zoom = makeZoom(stage);
  const panel = makePanel({ onPick: (row) => choose(row, zoom.centre), onHover: hoverRow });
  const outlined = button("Outlines", "Outlines on or off (O)", () => toggle(outlined, "bare"));
  const filled = button("Fill", "Fill cells or not (F)", () => toggle(filled, "filled"));
  const back = button("←", "Previous image (←)", () => step(-1));
  const on = button("→", "Next image (→)", () => step(1));
  const close = button("Close", "Close (Esc)", () => dialog.close());
  const bar = make("div", { class: "toolbar", role: "toolbar", "aria-label": "View" },
    make("span", {}, back, on),
    make("span", {}, outlined, filled),
    make("span", {}, button("−", "Smaller (−)", zoom.farther), button("+", "Larger (+)", zoom.nearer), button("Fit", "Whole image (0)", zoom.fit)),
    close);
  const dialog = make("dialog", { id: "viewer", "aria-labelledby": "viewer-title" }, make("div", { class: "left" }, bar, stage), panel.host);
  const now = { image: null, paths: new Map(), rows: new Map(), chosen: null };

  function toggle(control, name) {
    const isOn = stage.classList.toggle(name);
    control.setAttribute("aria-pressed", String(name === "bare" ? !isOn : isOn));
  }

  function openImage(image) {
    const drawing = drawingOf(image);
    Object.assign(now, { image, paths: new Map(), rows: new Map(), chosen: null });
    for (const row of rowsOfImage(image)) now.rows.set(data.label[row], row);
    const { width, height } = drawing;
    fill(picture, { href: drawing.url, width, height }, []);
    stage.setAttribute("aria-label", `${data.images[image]}: ${drawing.cells.size} cells outlined`);
    for (const [number, cell] of drawing.cells) {
      now.paths.set(number, makeSvg("path", { d: cell.d, class: cell.colour, "data-cell": number }));
    }
    cells.replaceChildren(...now.paths.values());
    front.replaceChildren();
    const place = images.indexOf(image);
    back.disabled = place === 0;
    on.disabled = place === images.length - 1;
    panel.open(image, `image ${place + 1} of ${images.length}`);
    if (!dialog.open) dialog.showModal();
    zoom.open(width, height);
    panel.title.focus();
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
    if (!zoom.wasDragged()) chooseNumber(cellUnder(event));
  });
  const keys = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    ArrowUp: () => choose(panel.neighbour(rowOf(now.chosen), -1), zoom.reveal),
    ArrowDown: () => choose(panel.neighbour(rowOf(now.chosen), 1), zoom.reveal),
    "+": zoom.nearer, "=": zoom.nearer, "-": zoom.farther, 0: zoom.fit,
    o: () => outlined.click(),
    f: () => filled.click(),
  };
  dialog.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  outlined.setAttribute("aria-pressed", "true");
  filled.setAttribute("aria-pressed", "false");
  document.body.append(dialog);
  return { openImage, openCell };
}
