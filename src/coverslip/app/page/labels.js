// windows of labels ↔ blocks of them in the page; a block is fetched when it is first looked at.

import { KEEP } from "./api.js";

export const BLOCK = 1024;
const MOST_BLOCKS = 72; // 288 MiB

// The part of a window that lies within an image, as [y0, x0, y1, x1].
export function clip([y0, x0, y1, x1], height, width) {
  return [Math.max(0, y0), Math.max(0, x0), Math.min(height, y1), Math.min(width, x1)];
}

export const isEmpty = ([y0, x0, y1, x1]) => y1 <= y0 || x1 <= x0;

export function unite(a, b) {
  if (!a || isEmpty(a)) return b;
  if (!b || isEmpty(b)) return a;
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

// The labels of one frame. What was not fetched reads as background.
export class LabelStore {
  constructor({ height, width, fetchWindow }) {
    this.height = height;
    this.width = width;
    this.fetchWindow = fetchWindow;
    this.columns = Math.ceil(width / BLOCK);
    this.blocks = new Map();
    this.asked = new Map(); // blocks on their way, each with the promise of it
    this.outdated = new Set(); // those of them that an edit has changed since they were asked for
    this.closed = false;
  }

  blocksOf(window) {
    const [y0, x0, y1, x1] = clip(window, this.height, this.width);
    const numbers = [];
    for (let row = Math.floor(y0 / BLOCK); row * BLOCK < y1; row++)
      for (let column = Math.floor(x0 / BLOCK); column * BLOCK < x1; column++) numbers.push(row * this.columns + column);
    return numbers;
  }

  windowOf(number) {
    const y0 = Math.floor(number / this.columns) * BLOCK, x0 = (number % this.columns) * BLOCK;
    return clip([y0, x0, y0 + BLOCK, x0 + BLOCK], this.height, this.width);
  }

  isLoaded(window) {
    return this.blocksOf(window).every((number) => this.blocks.has(number));
  }

  isTooMuch(window) {
    return this.blocksOf(window).length > MOST_BLOCKS;
  }

  // Fetch what a window lacks; `onWindow` hears of each block that came. Too many at once are not asked.
  async load(window, onWindow) {
    const wanted = this.blocksOf(window);
    if (this.isTooMuch(window)) return false;
    for (const number of wanted) {
      if (this.closed) return false;
      if (this.blocks.has(number)) continue;
      if (!this.asked.has(number)) this.asked.set(number, this.fetchBlock(number, onWindow).finally(() => this.asked.delete(number)));
      await this.asked.get(number);
    }
    if (this.closed) return false;
    for (const number of this.blocks.keys()) {
      if (this.blocks.size <= MOST_BLOCKS) break;
      if (!wanted.includes(number)) this.blocks.delete(number);
    }
    return true;
  }

  // One block; anew, if an edit changed it while it was on its way.
  async fetchBlock(number, onWindow) {
    const place = this.windowOf(number);
    let answer;
    do {
      this.outdated.delete(number);
      answer = await this.fetchWindow(place);
    } while (this.outdated.has(number) && !this.closed);
    if (this.closed) return;
    this.blocks.set(number, { y0: place[0], x0: place[1], columns: place[3] - place[1], data: answer.data });
    onWindow(place, answer);
  }

  // All pixels at once, as a preview gives them.
  fill(data) {
    for (const number of this.blocksOf([0, 0, this.height, this.width])) {
      const [y0, x0, y1, x1] = this.windowOf(number);
      const columns = x1 - x0, block = new Uint32Array((y1 - y0) * columns);
      for (let y = y0; y < y1; y++) block.set(data.subarray(y * this.width + x0, y * this.width + x1), (y - y0) * columns);
      this.blocks.set(number, { y0, x0, columns, data: block });
    }
  }

  at(y, x) {
    if (y < 0 || x < 0 || y >= this.height || x >= this.width) return 0;
    const block = this.blocks.get(Math.floor(y / BLOCK) * this.columns + Math.floor(x / BLOCK));
    return block ? block.data[(y - block.y0) * block.columns + x - block.x0] : 0;
  }

  // Whether a pixel, whose block is here, now holds another value.
  set(y, x, value) {
    const block = this.blocks.get(Math.floor(y / BLOCK) * this.columns + Math.floor(x / BLOCK));
    const index = block ? (y - block.y0) * block.columns + x - block.x0 : 0;
    if (!block || block.data[index] === value) return false;
    block.data[index] = value;
    return true;
  }

  // A window of any place, every `stride`-th pixel of it, as rows.
  read([y0, x0, y1, x1], stride = 1) {
    const rows = Math.ceil((y1 - y0) / stride), columns = Math.ceil((x1 - x0) / stride);
    const values = new Uint32Array(rows * columns);
    for (let row = 0; row < rows; row++) this.readRow(values, row * columns, { y: y0 + row * stride, x0, x1, stride });
    return values;
  }

  readRow(values, start, { y, x0, x1, stride }) {
    if (y < 0 || y >= this.height) return;
    const above = Math.floor(y / BLOCK) * this.columns;
    let x = x0 < 0 ? x0 + Math.ceil(-x0 / stride) * stride : x0;
    while (x < Math.min(x1, this.width)) {
      const block = this.blocks.get(above + Math.floor(x / BLOCK));
      const end = Math.min(x1, this.width, (Math.floor(x / BLOCK) + 1) * BLOCK);
      if (!block) {
        x += Math.ceil((end - x) / stride) * stride;
        continue;
      }
      const offset = (y - block.y0) * block.columns - block.x0;
      if (stride === 1) {
        values.set(block.data.subarray(offset + x, offset + end), start + x - x0);
        x = end;
      } else for (; x < end; x += stride) values[start + (x - x0) / stride] = block.data[offset + x];
    }
  }

  // Write rows into a window that lies within the image; where a value is KEEP, nothing changes.
  write([y0, x0, y1, x1], values) {
    for (const number of this.blocksOf([y0, x0, y1, x1])) {
      const block = this.blocks.get(number);
      if (!block && this.asked.has(number)) this.outdated.add(number);
      if (!block) continue;
      const [top, left, bottom, right] = this.windowOf(number);
      for (let y = Math.max(y0, top); y < Math.min(y1, bottom); y++) {
        const from = (y - y0) * (x1 - x0) - x0, to = (y - block.y0) * block.columns - block.x0;
        for (let x = Math.max(x0, left); x < Math.min(x1, right); x++)
          if (values[from + x] !== KEEP) block.data[to + x] = values[from + x];
      }
    }
  }

  close() {
    this.closed = true;
  }
}
