// labels → outlines and translucent colours, on tiles of a pyramid, anew only where labels changed.

import { unite } from "./labels.js";

export const TILE = 512;
const MOST_TILES = 160;
const COLOURS = 4096;

// Hues a golden section apart, so that neighbours, whose numbers are close, differ most.
function colourTable(lightness, alpha) {
  const table = new Uint32Array(COLOURS);
  for (let n = 0; n < COLOURS; n++) {
    const hue = (n * 0.61803398875 * 360 + 170) % 360;
    const [red, green, blue] = fromHsl(hue, 0.85, lightness + 0.06 * ((n % 3) - 1));
    table[n] = ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }
  return table;
}

function fromHsl(hue, saturation, lightness) {
  const a = saturation * Math.min(lightness, 1 - lightness);
  return [0, 8, 4].map((n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - a * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  });
}

const LINES = colourTable(0.64, 255);

export function cssColour(number) {
  const value = LINES[number % COLOURS];
  return `rgb(${value & 255} ${(value >> 8) & 255} ${(value >> 16) & 255})`;
}

// What a label is drawn in: its line and its fill.
function coloursOf(label, { lines, fills, selected, numbers }) {
  if (selected.has(label)) return [0xffffffff, 0x66ffffff];
  const number = numbers ? numbers.get(label) ?? label : label;
  return [lines[number % COLOURS], fills[number % COLOURS]];
}

// Rows × columns of labels with a rim of one around them → pixels. A cell's edge is its own.
export function paintLabels(labels, { rows, columns, look }) {
  const pixels = new Uint32Array(rows * columns), wide = columns + 2;
  let last = 0, line = 0, fill = 0;
  for (let y = 0; y < rows; y++) {
    for (let x = 0, i = (y + 1) * wide + 1; x < columns; x++, i++) {
      const label = labels[i];
      if (label === 0) continue;
      if (label !== last) [last, line, fill] = [label, ...coloursOf(label, look)];
      const inner = labels[i - 1] === label && labels[i + 1] === label && labels[i - wide] === label && labels[i + wide] === label;
      pixels[y * columns + x] = inner ? fill : line;
    }
  }
  return pixels;
}

// Each label pixel as factor × factor pixels, its edges drawn on the cell's rim alone.
export function paintEnlarged(labels, { rows, columns, look, factor }) {
  const wide = columns + 2, width = columns * factor, thick = 2;
  const pixels = new Uint32Array(rows * factor * width);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const i = (y + 1) * wide + x + 1, label = labels[i];
      if (label === 0) continue;
      const edge = (dy, dx) => labels[i + dy * wide + dx] !== label;
      const [line, fill] = coloursOf(label, look);
      const [top, bottom, left, right] = [edge(-1, 0), edge(1, 0), edge(0, -1), edge(0, 1)];
      const corners = [edge(-1, -1), edge(-1, 1), edge(1, -1), edge(1, 1)];
      for (let v = 0; v < factor; v++) {
        const high = v < thick, low = v >= factor - thick, start = (y * factor + v) * width + x * factor;
        for (let u = 0; u < factor; u++) {
          const near = u < thick, far = u >= factor - thick;
          const rim = (top && high) || (bottom && low) || (left && near) || (right && far)
            || (corners[0] && high && near) || (corners[1] && high && far) || (corners[2] && low && near) || (corners[3] && low && far);
          pixels[start + u] = rim ? line : fill;
        }
      }
    }
  }
  return pixels;
}

// Tiles of all levels that were looked at. Level k shows every 2^k-th pixel; below zero, each as 2^-k.
export class Overlay {
  constructor() {
    this.tiles = new Map();
    this.painted = 0;
    this.look = { selected: new Set(), numbers: null };
    this.setLook({ fill: 0.25, outlines: true });
  }

  setLook({ fill, outlines, selected = this.look.selected, numbers = this.look.numbers }) {
    const fills = colourTable(0.55, Math.round(255 * fill));
    this.look = { fills, lines: outlines ? LINES : fills, selected, numbers };
    this.touchAll();
  }

  select(labels) {
    this.look = { ...this.look, selected: new Set(labels) };
    this.touchAll();
  }

  setNumbers(numbers) {
    this.look = { ...this.look, numbers };
    this.touchAll();
  }

  clear() {
    this.tiles.clear();
  }

  touchAll() {
    for (const tile of this.tiles.values()) tile.dirty = [0, 0, TILE, TILE];
  }

  // Labels changed in a window: the tiles over it paint that part of them, and a pixel around it, anew.
  touch([y0, x0, y1, x1]) {
    for (const tile of this.tiles.values()) {
      const scale = 2 ** -tile.level;
      const part = [
        Math.max(0, Math.floor((y0 - tile.y0) * scale) - 2), Math.max(0, Math.floor((x0 - tile.x0) * scale) - 2),
        Math.min(TILE, Math.ceil((y1 - tile.y0) * scale) + 2), Math.min(TILE, Math.ceil((x1 - tile.x0) * scale) + 2),
      ];
      if (part[0] < part[2] && part[1] < part[3]) tile.dirty = unite(tile.dirty, part);
    }
  }

  isPainted({ level, row, column }) {
    const tile = this.tiles.get(`${level}/${row}/${column}`);
    return tile !== undefined && !tile.dirty;
  }

  // The canvas of a tile as it was painted last, or null.
  peek({ level, row, column }) {
    return this.tiles.get(`${level}/${row}/${column}`)?.canvas ?? null;
  }

  // The canvas of a tile, painted where it was dirty.
  tile(store, { level, row, column }) {
    const key = `${level}/${row}/${column}`;
    let tile = this.tiles.get(key);
    if (!tile) {
      const canvas = new OffscreenCanvas(TILE, TILE);
      const side = TILE * 2 ** level;
      tile = { level, y0: row * side, x0: column * side, canvas, context: canvas.getContext("2d"), dirty: [0, 0, TILE, TILE] };
      if (this.tiles.size > MOST_TILES) this.tiles.delete(this.tiles.keys().next().value);
    } else this.tiles.delete(key); // it goes to the end of the queue: what was not used for longest leaves first
    this.tiles.set(key, tile);
    if (tile.dirty) this.paint(store, tile);
    return tile.canvas;
  }

  paint(store, tile) {
    const factor = tile.level < 0 ? 2 ** -tile.level : 1, stride = tile.level > 0 ? 2 ** tile.level : 1;
    const [top, left, bottom, right] = tile.dirty.map((n, i) => (i < 2 ? Math.floor(n / factor) : Math.ceil(n / factor)));
    const rows = bottom - top, columns = right - left, half = stride >> 1;
    const y = tile.y0 + top * stride + half, x = tile.x0 + left * stride + half;
    const window = [y - stride, x - stride, y + (rows + 1) * stride, x + (columns + 1) * stride];
    const labels = store.read(window, stride);
    const pixels = factor > 1
      ? paintEnlarged(labels, { rows, columns, look: this.look, factor })
      : paintLabels(labels, { rows, columns, look: this.look });
    const image = new ImageData(new Uint8ClampedArray(pixels.buffer), columns * factor, rows * factor);
    tile.context.putImageData(image, left * factor, top * factor);
    tile.dirty = null;
    this.painted += rows * columns;
  }
}
