// an image, its labels and what a tool draws → the canvas; where one looks is kept here.

import { Emitter } from "./dom.js";
import { clip } from "./labels.js";
import { Overlay, TILE } from "./overlay.js";
import { ImageTiles } from "./tiles.js";
import { drawCursor, drawGrid, drawRectangles, drawScaleBar } from "./marks.js";

const PAINTING = 6; // ms of a frame for new tiles of labels; those left show a coarser or finer one until the next
const COARSER = 4; // levels above
const MOST_SCALE = 64;
const INSETS = { left: 68, right: 14, top: 14, bottom: 62 }; // of tools that lie over the image

export class Viewer extends Emitter {
  constructor(canvas) {
    super();
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.overlay = new Overlay();
    this.tiles = new ImageTiles({ onTile: () => this.redraw(), onError: () => this.emit("away") });
    this.image = null;
    this.frame = 0;
    this.store = null;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.show = { labels: true, grid: false, scaleBar: true, smooth: false };
    this.extra = []; // functions that draw on top, in pixels of the screen
    this.cursor = null; // where the keyboard points, in pixels of the image
    this.frames = 0;
    this.wanted = false;
    new ResizeObserver(() => this.resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.ground = null;
      this.redraw();
    });
  }

  open(image, frame, store, { keepView = false } = {}) {
    this.image = image;
    this.frame = frame;
    this.store = store;
    this.overlay.clear();
    this.tiles.open(image, frame);
    this.cursor = keepView ? this.cursor : null;
    if (!keepView) this.fit();
    this.redraw();
  }

  resize() {
    const box = this.canvas.getBoundingClientRect();
    if (!box.width || !box.height) return;
    const ratio = window.devicePixelRatio || 1, wasFit = this.isFit;
    this.ratio = ratio;
    this.width = box.width;
    this.height = box.height;
    this.canvas.width = Math.round(box.width * ratio);
    this.canvas.height = Math.round(box.height * ratio);
    if (wasFit) this.fit();
    this.draw();
  }

  fit() {
    if (!this.image || !this.width) {
      this.isFit = true;
      return;
    }
    const { left, right, top, bottom } = INSETS, { height, width } = this.image;
    const [across, down] = [this.width - left - right, this.height - top - bottom];
    this.scale = Math.max(0.001, Math.min(across / width, down / height));
    this.x = width / 2 - (left + across / 2) / this.scale;
    this.y = height / 2 - (top + down / 2) / this.scale;
    this.isFit = true;
    this.redraw();
    this.emit("view");
  }

  zoomAt(factor, px = this.width / 2, py = this.height / 2) {
    const least = Math.min(0.5, (0.25 * this.width) / this.image.width);
    const scale = Math.min(MOST_SCALE, Math.max(least, this.scale * factor));
    this.x += px / this.scale - px / scale;
    this.y += py / this.scale - py / scale;
    this.scale = scale;
    this.moved();
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.moved();
  }

  // Bring a place of the image to the middle, if it is not well in view.
  reveal(y, x) {
    const [px, py] = this.toScreen(y, x);
    const margin = 60;
    if (px > margin && py > margin && px < this.width - margin && py < this.height - margin) return;
    this.x = x - this.width / this.scale / 2;
    this.y = y - this.height / this.scale / 2;
    this.moved();
  }

  moved() {
    this.isFit = false;
    const { width, height } = this.image, w = this.width / this.scale, h = this.height / this.scale;
    this.x = Math.min(width - 0.2 * w, Math.max(-0.8 * w, this.x));
    this.y = Math.min(height - 0.2 * h, Math.max(-0.8 * h, this.y));
    this.redraw();
    this.emit("view");
  }

  toImage(px, py) {
    return [this.y + py / this.scale, this.x + px / this.scale];
  }

  toScreen(y, x) {
    return [(x - this.x) * this.scale, (y - this.y) * this.scale];
  }

  // The part of the image in view, as [y0, x0, y1, x1].
  window() {
    const [y1, x1] = this.toImage(this.width, this.height);
    return clip([Math.floor(this.y), Math.floor(this.x), Math.ceil(y1), Math.ceil(x1)], this.image.height, this.image.width);
  }

  redraw() {
    if (this.wanted) return;
    this.wanted = true;
    requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.wanted = false;
    if (!this.width) return;
    const { context, ratio } = this;
    this.ground ??= getComputedStyle(this.canvas).backgroundColor;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = this.ground;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.image) return;
    const { tiles } = this;
    this.drawTiles(this.imageLevel(), { tileOf: (place) => tiles.tile(place), peek: (place) => tiles.peek(place), smooth: this.show.smooth || this.scale < 1.5 });
    if (this.store && this.show.labels) this.drawLabels();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (this.show.grid) drawGrid(context, this);
    drawRectangles(context, this);
    for (const extra of this.extra) extra(context, this);
    if (this.show.scaleBar) drawScaleBar(context, this);
    if (this.cursor) drawCursor(context, this);
    this.frames += 1;
  }

  imageLevel() {
    const level = Math.floor(Math.log2(1 / (this.scale * this.ratio)) + 0.01);
    return Math.min(Math.max(0, level), (this.image.levels || 1) - 1);
  }

  drawLabels() {
    const level = Math.max(-5, Math.floor(Math.log2(1 / (this.scale * this.ratio)) + 0.01));
    const { overlay, store } = this, late = performance.now() + PAINTING;
    const tileOf = (place) => {
      if (overlay.isPainted(place) || performance.now() < late) return overlay.tile(store, place);
      this.redraw();
      return overlay.peek(place);
    };
    this.drawTiles(level, { tileOf, peek: (place) => overlay.peek(place), smooth: true });
  }

  // The tiles in view. One that is not there yet is stood in for by a part of a coarser one, or by finer ones.
  drawTiles(level, { tileOf, peek, smooth }) {
    const { context, image, ratio } = this, side = TILE * 2 ** level, zoom = this.scale * ratio;
    const [y0, x0, y1, x1] = this.window();
    const step = 2 ** level * zoom;
    context.imageSmoothingEnabled = smooth;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.save();
    context.beginPath();
    context.rect(-this.x * zoom, -this.y * zoom, image.width * zoom, image.height * zoom);
    context.clip();
    for (let row = Math.floor(y0 / side); row * side < y1; row++) {
      for (let column = Math.floor(x0 / side); column * side < x1; column++) {
        const canvas = tileOf({ level, row, column });
        if (!canvas) {
          if (!this.drawCoarser({ level, row, column }, peek)) this.drawFiner({ level, row, column }, peek);
          continue;
        }
        const left = Math.round((column * side - this.x) * zoom), top = Math.round((row * side - this.y) * zoom);
        const right = Math.round((column * side - this.x) * zoom + canvas.width * step);
        const bottom = Math.round((row * side - this.y) * zoom + canvas.height * step);
        context.drawImage(canvas, left, top, right - left, bottom - top);
      }
    }
    context.restore();
  }

  drawCoarser({ level, row, column }, peek) {
    const { context, ratio } = this, side = TILE * 2 ** level, zoom = this.scale * ratio;
    for (let up = 1; up <= COARSER; up++) {
      const part = 2 ** up, canvas = peek({ level: level + up, row: Math.floor(row / part), column: Math.floor(column / part) });
      if (!canvas) continue;
      const size = TILE / part, across = (column % part) * size, down = (row % part) * size;
      const left = Math.round((column * side - this.x) * zoom), top = Math.round((row * side - this.y) * zoom);
      context.drawImage(canvas, across, down, size, size, left, top, Math.round(side * zoom), Math.round(side * zoom));
      return true;
    }
    return false;
  }

  drawFiner({ level, row, column }, peek) {
    const { context, ratio } = this, zoom = this.scale * ratio, step = 2 ** (level - 1) * zoom;
    for (const [v, u] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
      const place = { level: level - 1, row: 2 * row + v, column: 2 * column + u }, canvas = peek(place);
      if (!canvas) continue;
      const left = Math.round(place.column * TILE * step - this.x * zoom), top = Math.round(place.row * TILE * step - this.y * zoom);
      context.drawImage(canvas, left, top, Math.round(canvas.width * step), Math.round(canvas.height * step));
    }
  }
}
