// the view → what lies on top of it: grid, scale bar, finished rectangles, the cursor of the keyboard.

const INK = "rgb(255 255 255 / 92%)";
const SHADE = "rgb(0 0 0 / 55%)";

// 1, 2 or 5 times a power of ten, at most `most`.
export function roundLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((n) => n * power).find((length) => length <= most);
}

// The bar's length in pixels of the image, and its name.
export function scaleBar({ image, scale, width }) {
  const unit = image.pixel_size_um || null;
  const most = (Math.min(180, width / 4) / scale) * (unit || 1);
  const length = roundLength(most);
  const name = unit === null ? `${length} px` : length < 1 ? `${Math.round(length * 1000)} nm` : `${length} µm`;
  return { pixels: length / (unit || 1), name };
}

export function drawScaleBar(context, view) {
  const { pixels, name } = scaleBar(view), long = pixels * view.scale;
  const right = view.width - 20, bottom = view.height - 20, left = right - long;
  context.fillStyle = SHADE;
  context.beginPath();
  context.roundRect(left - 10, bottom - 28, long + 20, 38, 8);
  context.fill();
  context.fillStyle = INK;
  context.fillRect(left, bottom - 3, long, 3);
  context.font = "600 12px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillText(name, left + long / 2, bottom - 10);
}

export function drawGrid(context, view) {
  const unit = view.image.pixel_size_um || 1;
  const step = roundLength((160 / view.scale) * unit) / unit;
  const { image } = view, [y0, x0, y1, x1] = view.window();
  context.strokeStyle = "rgb(255 255 255 / 22%)";
  context.lineWidth = 1;
  context.beginPath();
  for (let x = Math.ceil(x0 / step) * step; x <= Math.min(x1, image.width); x += step) {
    const [px, top] = view.toScreen(y0, x);
    context.moveTo(Math.round(px) + 0.5, top);
    context.lineTo(Math.round(px) + 0.5, view.toScreen(y1, x)[1]);
  }
  for (let y = Math.ceil(y0 / step) * step; y <= Math.min(y1, image.height); y += step) {
    const [left, py] = view.toScreen(y, x0);
    context.moveTo(left, Math.round(py) + 0.5);
    context.lineTo(view.toScreen(y, x1)[0], Math.round(py) + 0.5);
  }
  context.stroke();
}

// What of this frame was said to be finished and will be learnt from.
export function drawRectangles(context, view) {
  const finished = view.image.finished || {};
  context.lineWidth = 2;
  context.strokeStyle = "#3fd39a";
  for (const [frame, y0, x0, y1, x1] of finished.rectangles || []) {
    if (frame !== view.frame) continue;
    const [left, top] = view.toScreen(y0, x0), [right, bottom] = view.toScreen(y1, x1);
    context.setLineDash([8, 5]);
    context.strokeRect(left, top, right - left, bottom - top);
  }
  context.setLineDash([]);
  if (!(finished.frames || []).includes(view.frame)) return;
  const [left, top] = view.toScreen(0, 0);
  context.strokeRect(left - 2, top - 2, view.image.width * view.scale + 4, view.image.height * view.scale + 4);
}

// A cross that keys move, dark and light so that it is seen on any image.
export function drawCursor(context, view) {
  const [px, py] = view.toScreen(view.cursor[0] + 0.5, view.cursor[1] + 0.5);
  for (const [colour, width] of [[SHADE, 4], [INK, 1.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(px + dx * 5, py + dy * 5);
      context.lineTo(px + dx * 16, py + dy * 16);
    }
    context.stroke();
  }
}

// A line through places of the image, as tools draw it.
export function drawPath(context, view, points, { closed = false, colour = "#ffd166" } = {}) {
  if (points.length < 1) return;
  const path = new Path2D();
  points.forEach(([y, x], n) => {
    const [px, py] = view.toScreen(y, x);
    if (n) path.lineTo(px, py);
    else path.moveTo(px, py);
  });
  if (closed) path.closePath();
  for (const [stroke, width] of [[SHADE, 4], [colour, 2]]) {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.lineJoin = "round";
    context.stroke(path);
  }
  if (!closed) return;
  context.fillStyle = "rgb(255 209 102 / 14%)";
  context.fill(path);
}

export function drawCircle(context, view, [y, x], radius, { dashed = false } = {}) {
  const [px, py] = view.toScreen(y, x);
  context.setLineDash(dashed ? [4, 3] : []);
  for (const [colour, width] of [[SHADE, 3], [INK, 1.25]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(px, py, Math.max(1, radius * view.scale), 0, 2 * Math.PI);
    context.stroke();
  }
  context.setLineDash([]);
}
