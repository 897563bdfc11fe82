// wheel, drag, pinch → which part of an <svg> is seen.

function makeZoom(svg, onDraw = () => {}) {
  const STEP = 1.25;
  const MOST = 60; // screen pixels for one of the drawing
  const view = { x: 0, y: 0, scale: 1, width: 1, height: 1 }; // x, y: what is in the middle
  const fingers = new Map();
  let moved = false;

  function size() {
    return [svg.clientWidth || 1, svg.clientHeight || 1];
  }

  function fitScale() {
    const [width, height] = size();
    return Math.min(width / view.width, height / view.height);
  }

  function draw() {
    const least = fitScale();
    view.scale = Math.min(Math.max(view.scale, least), Math.max(MOST, least));
    const [width, height] = size().map((side) => side / view.scale);
    view.x = keep(view.x, width, view.width);
    view.y = keep(view.y, height, view.height);
    svg.setAttribute("viewBox", `${view.x - width / 2} ${view.y - height / 2} ${width} ${height}`);
    svg.classList.toggle("near", view.scale > 3);
    onDraw({ x: view.x, y: view.y, scale: view.scale, width, height });
  }

  // The image stays in sight: in the middle if it is smaller than the window, else up to its edge.
  function keep(middle, seen, whole) {
    return seen >= whole ? whole / 2 : Math.min(Math.max(middle, seen / 2), whole - seen / 2);
  }

  function open(width, height) {
    Object.assign(view, { width, height });
    fit();
  }

  function fit() {
    view.scale = 0;
    draw();
  }

  // Zoom so that the point under the pointer (in pixels of the window) stays where it is.
  function zoomBy(factor, clientX = null, clientY = null) {
    const frame = svg.getBoundingClientRect();
    const dx = clientX === null ? 0 : clientX - frame.left - frame.width / 2;
    const dy = clientY === null ? 0 : clientY - frame.top - frame.height / 2;
    const before = view.scale;
    view.scale = Math.min(Math.max(before * factor, fitScale()), Math.max(MOST, fitScale()));
    view.x += dx / before - dx / view.scale;
    view.y += dy / before - dy / view.scale;
    draw();
  }

  function panBy(dx, dy) {
    view.x -= dx / view.scale;
    view.y -= dy / view.scale;
    draw();
  }

  // Show a cell in the middle, with as much around it as helps to judge it.
  function centre(box) {
    const [width, height] = size();
    const side = Math.max(box.width, box.height, 24);
    view.scale = Math.max(view.scale, Math.min(width, height) / (side * 4));
    view.x = box.x + box.width / 2;
    view.y = box.y + box.height / 2;
    draw();
  }

  // Without moving further than needed: nothing happens while the cell is in sight.
  function reveal(box) {
    const [width, height] = size().map((side) => side / view.scale);
    const inX = Math.abs(box.x + box.width / 2 - view.x) + box.width / 2 <= width / 2;
    const inY = Math.abs(box.y + box.height / 2 - view.y) + box.height / 2 <= height / 2;
    if (!inX || !inY) centre(box);
  }

  function onMove(event) {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    if (!moved && Math.hypot(dx, dy) < 4) return;
    if (!moved) svg.setPointerCapture(event.pointerId); // later than the press, or it would eat the click
    moved = true;
    if (fingers.size === 1) panBy(dx, dy);
    else pinch(event, last);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  function pinch(event, last) {
    const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
    const before = Math.hypot(last.x - other.x, last.y - other.y) || 1;
    const after = Math.hypot(event.clientX - other.x, event.clientY - other.y) || 1;
    panBy((event.clientX - last.x) / 2, (event.clientY - last.y) / 2);
    zoomBy(after / before, (event.clientX + other.x) / 2, (event.clientY + other.y) / 2);
  }

  svg.addEventListener("pointerdown", (event) => {
    if (fingers.size === 0) moved = false;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  svg.addEventListener("pointermove", onMove);
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    svg.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
  svg.addEventListener("pointerleave", (event) => {
    if (!moved) fingers.delete(event.pointerId);
  });
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    zoomBy(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0015)), event.clientX, event.clientY);
  }, { passive: false });
  new ResizeObserver(draw).observe(svg);

  return {
    open, fit, centre, reveal,
    nearer: () => zoomBy(STEP),
    farther: () => zoomBy(1 / STEP),
    wasDragged: () => moved,
  };
}
