// the way of a pen → the pixels that it changes, as a window of labels.

import { KEEP } from "./api.js";
import { clip, unite } from "./labels.js";

// Pixels, as [y, x], whose middle is within `radius` of the line from a to b.
export function alongLine(a, b, radius) {
  const pixels = [];
  const [dy, dx] = [b[0] - a[0], b[1] - a[1]], length = dy * dy + dx * dx;
  const reach = Math.max(radius, 0.71); // the finest pen still marks a line without gaps
  for (let y = Math.floor(Math.min(a[0], b[0]) - reach); y <= Math.max(a[0], b[0]) + reach; y++) {
    for (let x = Math.floor(Math.min(a[1], b[1]) - reach); x <= Math.max(a[1], b[1]) + reach; x++) {
      const [py, px] = [y + 0.5 - a[0], x + 0.5 - a[1]];
      const part = length ? Math.min(1, Math.max(0, (py * dy + px * dx) / length)) : 0;
      if ((py - part * dy) ** 2 + (px - part * dx) ** 2 <= reach * reach) pixels.push([y, x]);
    }
  }
  return pixels;
}

// Brush and eraser. The brush takes background and, with `over`, other cells; the eraser what it began on.
export class Stroke {
  constructor(store, { label, erases = null, over = false, radius }) {
    Object.assign(this, { store, label, erases, over, radius });
    this.window = null;
    this.touched = [];
    this.last = null;
  }

  // Returns the window that changed, or null.
  moveTo(point, radius = this.radius) {
    const pixels = alongLine(this.last ?? point, point, radius);
    this.last = point;
    let window = null;
    for (const [y, x] of pixels) {
      if (y < 0 || x < 0 || y >= this.store.height || x >= this.store.width) continue;
      const now = this.store.at(y, x);
      if (!this.takes(now) || !this.store.set(y, x, this.label)) continue;
      this.touched.push(y, x);
      window = unite(window, [y, x, y + 1, x + 1]);
    }
    if (window) this.window = unite(this.window, window);
    return window;
  }

  takes(now) {
    if (this.label === 0) return now !== 0 && (this.erases === null || now === this.erases);
    return now === 0 || this.over;
  }

  // What was changed, and only that, or null.
  patch() {
    if (!this.window) return null;
    const [y0, x0, y1, x1] = this.window;
    const values = new Uint32Array((y1 - y0) * (x1 - x0)).fill(KEEP);
    for (let i = 0; i < this.touched.length; i += 2)
      values[(this.touched[i] - y0) * (x1 - x0) + this.touched[i + 1] - x0] = this.label;
    return { window: this.window, values };
  }
}

// Labels along a line: each with how many of its pixels lie there, the background not among them.
export function labelsAlong(store, points) {
  const counts = new Map();
  for (let n = 0; n < points.length; n++) {
    for (const [y, x] of alongLine(points[Math.max(0, n - 1)], points[n], 0)) {
      const label = store.at(y, x);
      if (label) counts.set(label, (counts.get(label) || 0) + 1);
    }
  }
  return counts;
}

// Labels of which at least half, as far as it is in the window, lies within a closed line.
export function labelsInside(store, points, window) {
  const [y0, x0, y1, x1] = clip(window, store.height, store.width);
  const values = store.read([y0, x0, y1, x1]), inside = new Map(), all = new Map();
  for (let y = y0; y < y1; y++) {
    const crossings = crossingsOf(points, y + 0.5);
    for (let x = x0; x < x1; x++) {
      const label = values[(y - y0) * (x1 - x0) + x - x0];
      if (!label) continue;
      all.set(label, (all.get(label) || 0) + 1);
      if (crossings.filter((at) => at <= x + 0.5).length % 2) inside.set(label, (inside.get(label) || 0) + 1);
    }
  }
  return [...inside].filter(([label, count]) => 2 * count >= all.get(label)).map(([label]) => label);
}

function crossingsOf(points, y) {
  const crossings = [];
  points.forEach(([ay, ax], n) => {
    const [by, bx] = points[(n + 1) % points.length];
    if (ay > y !== by > y) crossings.push(ax + ((y - ay) / (by - ay)) * (bx - ax));
  });
  return crossings;
}

// Every point at least a pixel from the one before: what is sent is small.
export function thin(points, least = 1) {
  const kept = [];
  for (const point of points) {
    const last = kept[kept.length - 1];
    if (!last || Math.hypot(point[0] - last[0], point[1] - last[1]) >= least) kept.push(point);
  }
  return kept.map(([y, x]) => [Math.round(y * 100) / 100, Math.round(x * 100) / 100]);
}
