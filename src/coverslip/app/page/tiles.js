// the server's tiles of an image → canvases with contrast, gamma and colours; kept while there is room.

import { framePath } from "./api.js";

const MOST_RAW = 220;
const MOST_DRAWN = 160;
export const CHANNEL_COLOURS = ["#ffffff", "#39c46e", "#e0457b", "#4f8dff", "#f0b429", "#27c7d4"];

const rgbOf = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);

// The brightness of the screen for each of 256 values.
export function brightnessTable({ low, high, gamma, invert }) {
  const span = Math.max(1, high - low);
  return Uint8Array.from({ length: 256 }, (_, value) => {
    const part = Math.min(1, Math.max(0, (value - low) / span)) ** (1 / gamma);
    return Math.round(255 * (invert ? 1 - part : part));
  });
}

// One channel's pixels, or several added in their colours → RGBA.
export function compose(raws, { table, colours }) {
  const pixels = new Uint8ClampedArray(raws[0].length);
  if (raws.length === 1 && !colours[0]) {
    for (let i = 0; i < pixels.length; i += 4) {
      pixels[i] = table[raws[0][i]];
      pixels[i + 1] = table[raws[0][i + 1]];
      pixels[i + 2] = table[raws[0][i + 2]];
      pixels[i + 3] = raws[0][i + 3];
    }
    return pixels;
  }
  raws.forEach((raw, n) => {
    const [red, green, blue] = colours[n] || [1, 1, 1];
    for (let i = 0; i < pixels.length; i += 4) {
      const value = table[raw[i]];
      pixels[i] += value * red;
      pixels[i + 1] += value * green;
      pixels[i + 2] += value * blue;
      pixels[i + 3] = 255;
    }
  });
  return pixels;
}

export class ImageTiles {
  constructor({ onTile, onError }) {
    this.raw = new Map();
    this.drawn = new Map();
    this.latest = new Map();
    this.waiting = new Set();
    this.version = 0;
    this.onTile = onTile;
    this.onError = onError;
    this.look = { low: 0, high: 255, gamma: 1, invert: false, channels: null };
    this.table = brightnessTable(this.look);
    this.image = null;
  }

  open(image, frame) {
    if (this.image?.id !== image.id) {
      this.raw.clear();
      this.drawn.clear();
      this.latest.clear();
    }
    this.image = image;
    this.frame = frame;
  }

  setLook(look) {
    this.look = { ...this.look, ...look };
    this.table = brightnessTable(this.look);
    this.version += 1;
  }

  // Which channels are asked for: null is the server's own choice (grey, or the colours as they are).
  wanted() {
    const names = this.image.channels || [];
    if (names.length < 2) return [null];
    const shown = names.map((_, n) => n).filter((n) => this.look.channels?.[n] ?? true);
    return shown.length ? shown : [0];
  }

  // The canvas of a tile, with the newest look if its pixels are here; else it is asked for.
  tile(place) {
    const key = `${this.frame}/${place.level}/${place.row}/${place.column}`;
    const old = this.drawn.get(key);
    if (old?.version === this.version) return old.canvas;
    const channels = this.wanted();
    const raws = channels.map((channel) => this.rawTile(key, channel));
    const spot = `${place.level}/${place.row}/${place.column}`;
    if (raws.some((raw) => !raw)) return old?.canvas ?? this.latest.get(spot) ?? null; // a film does not flicker
    const colours = channels.map((n) => (n === null || (channels.length === 1 && !this.look.tint) ? null : rgbOf(CHANNEL_COLOURS[(n + 1) % CHANNEL_COLOURS.length])));
    const canvas = this.isPlain && raws.length === 1 && !colours[0] ? raws[0].picture : this.paint(raws, { colours, canvas: old?.canvas });
    this.drawn.delete(key);
    this.drawn.set(key, { canvas, version: this.version });
    this.latest.set(spot, canvas);
    trim(this.drawn, MOST_DRAWN);
    return canvas;
  }

  // Whether pixels are shown as they came, so that nobody needs to compute them.
  get isPlain() {
    const { low, high, gamma, invert } = this.look;
    return low === 0 && high === 255 && gamma === 1 && !invert;
  }

  paint(raws, { colours, canvas }) {
    const { width, height } = raws[0].picture;
    const painted = canvas instanceof OffscreenCanvas ? canvas : new OffscreenCanvas(width, height);
    const pixels = compose(raws.map((raw) => (raw.pixels ??= pixelsOf(raw.picture))), { table: this.table, colours });
    painted.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
    return painted;
  }

  // The canvas of a tile as it was drawn last, or null; it is not asked for.
  peek({ level, row, column }) {
    return this.drawn.get(`${this.frame}/${level}/${row}/${column}`)?.canvas ?? null;
  }

  // Ask for the tiles of another frame where this one was looked at.
  prefetch(frame) {
    for (const key of [...this.drawn.keys()].filter((name) => name.startsWith(`${this.frame}/`)))
      for (const channel of this.wanted()) this.rawTile(key.replace(/^\d+/, frame), channel);
  }

  rawTile(key, channel) {
    const name = `${key}?${channel}`;
    const raw = this.raw.get(name);
    if (!raw && !this.waiting.has(name)) this.fetchTile(name, key, channel);
    return raw;
  }

  async fetchTile(name, key, channel) {
    if (this.waiting.size >= 12) return;
    this.waiting.add(name);
    const image = this.image;
    const [frame, ...place] = key.split("/");
    const query = channel === null ? "" : `?channel=${channel}`;
    try {
      const answer = await fetch(`${framePath(image.id, frame)}/tiles/${place.join("/")}.png${query}`);
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      const picture = await createImageBitmap(await answer.blob()); // decoded beside the page
      if (this.image === image) {
        this.raw.set(name, { picture, pixels: null });
        trim(this.raw, MOST_RAW);
      }
    } catch {
      this.onError();
      await new Promise((resolve) => setTimeout(resolve, 1500)); // then it may be asked for again
    } finally {
      this.waiting.delete(name);
      this.onTile();
    }
  }
}

function pixelsOf(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height).data;
}

function trim(map, most) {
  while (map.size > most) map.delete(map.keys().next().value);
}
