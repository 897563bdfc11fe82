// tracks of a film → which cell is which; tails on the image; tools that mend them.

import { getJson, imagePath } from "./api.js";
import { announce, Emitter, notify } from "./dom.js";
import { cssColour } from "./overlay.js";

const TAIL = 12; // frames

// Events: "tracks".
export class Tracks extends Emitter {
  constructor(app) {
    super();
    this.app = app;
    this.clear();
    app.editor.on("open", () => this.load());
    app.editor.on("frame", () => this.colour());
    app.editor.on("tracks", () => this.load());
    app.viewer.extra.push((context, view) => this.draw(context, view));
  }

  clear() {
    this.tracks = [];
    this.events = [];
    this.of = new Map(); // "frame/label" → track
    this.shown = true;
  }

  async load() {
    const { image } = this.app.editor;
    this.clear();
    if (image.frames > 1) {
      const answer = await getJson(`${imagePath(image.id)}/tracks`).catch(() => null);
      if (this.app.editor.image !== image && this.app.editor.image?.id !== image.id) return;
      if (answer) this.take(answer);
    }
    this.colour();
    this.emit("tracks");
  }

  take({ tracks, events }) {
    this.tracks = tracks ?? [];
    this.events = [...(events ?? [])].sort((a, b) => a.frame - b.frame);
    this.of = new Map();
    for (const track of this.tracks) for (const [frame, label] of track.cells) this.of.set(`${frame}/${label}`, track);
  }

  // A cell keeps its colour through the film: that of its track.
  colour() {
    const { viewer, editor } = this.app;
    if (!this.tracks.length) {
      viewer.overlay.setNumbers(null);
      return;
    }
    const numbers = new Map();
    for (const track of this.tracks)
      for (const [frame, label] of track.cells) if (frame === editor.frame) numbers.set(label, track.track_id);
    viewer.overlay.setNumbers(numbers);
    viewer.redraw();
  }

  trackAt(frame, label) {
    return this.of.get(`${frame}/${label}`) ?? null;
  }

  draw(context, view) {
    if (!this.shown || !view.show.labels || !this.tracks.length) return;
    context.lineWidth = 2;
    context.lineJoin = "round";
    for (const track of this.tracks) {
      if (track.begin_frame > view.frame || track.end_frame < view.frame - 1) continue;
      const tail = track.cells.filter(([frame]) => frame <= view.frame && frame > view.frame - TAIL);
      context.strokeStyle = cssColour(track.track_id);
      context.beginPath();
      tail.forEach(([, , y, x], n) => context[n ? "lineTo" : "moveTo"](...view.toScreen(y, x)));
      context.stroke();
    }
    const here = this.events.filter((event) => event.frame === view.frame);
    context.strokeStyle = "#ffd166";
    for (const event of here) {
      const [px, py] = view.toScreen(event.y, event.x);
      context.beginPath();
      context.arc(px, py, 16, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  async edit(body) {
    const { image } = this.app.editor;
    const reply = await this.app.outbox.add({ path: `${imagePath(image.id)}/tracks/edits`, body, image: image.id, frame: null });
    if (!reply) return;
    if (Array.isArray(reply.tracks)) {
      this.take(reply);
      this.colour();
      this.emit("tracks");
    }
  }

  // The next event after (or before) the frame and event one is at.
  next(step) {
    const { editor, viewer } = this.app;
    if (!this.events.length) {
      notify("There is no suspicious event in these tracks.");
      return;
    }
    const at = this.events.indexOf(this.current);
    const first = this.events.findIndex((event) => event.frame >= editor.frame);
    const number = at >= 0 ? at + step : step > 0 ? Math.max(0, first) : (first < 0 ? this.events.length : first) - 1;
    this.go(this.events[(number + this.events.length) % this.events.length], viewer);
  }

  async go(event) {
    const { editor, viewer } = this.app;
    this.current = event;
    if (event.frame !== editor.frame) await editor.open(editor.image.id, event.frame, { keepView: true });
    viewer.reveal(event.y, event.x);
    viewer.redraw();
    announce(event.text);
    this.emit("event", event);
  }
}

// A tool of clicks: it gathers cells, maybe of several frames, until it has enough.
class CellPicker {
  constructor(app, { needs, texts, send }) {
    Object.assign(this, { app, needs, texts, send });
    this.cells = [];
    app.editor.on("open", () => { this.cells = []; });
  }

  down() {}

  move() {}

  up(point) {
    const { editor } = this.app, label = editor.labelAt(point);
    if (!label) return;
    this.cells.push([editor.frame, label]);
    this.app.select([label]);
    if (this.cells.length < this.needs) {
      this.app.tellTool(this.texts[this.cells.length]);
      announce(this.texts[this.cells.length]);
      return;
    }
    const cells = this.cells;
    this.cancel();
    this.app.tracks.edit(this.send(cells));
  }

  cancel() {
    this.cells = [];
    this.app.select([]);
    this.app.tellTool(null);
  }
}

export const TRACK_TOOLS = [
  {
    name: "link", key: "k", title: "Link", help: "Click a cell, go to a later frame, click the same cell there: they become one track.",
    make: (app) => new CellPicker(app, {
      needs: 2, texts: ["", "Now the same cell in a later frame (. goes on)."],
      send: ([a, b]) => ({ kind: "link", from: a[0] <= b[0] ? a : b, to: a[0] <= b[0] ? b : a }),
    }),
  },
  {
    name: "cut", key: "u", title: "Cut", help: "Click the first cell that belongs to the track no more: a new track begins with it.",
    make: (app) => new CellPicker(app, { needs: 1, texts: [""], send: ([at]) => ({ kind: "cut", at }) }),
  },
  {
    name: "divide", key: "y", title: "Division", help: "Click the mother, go one frame on, click both daughters.",
    make: (app) => new CellPicker(app, {
      needs: 3, texts: ["", "Now the first daughter, one frame later.", "Now the second daughter."],
      send: ([mother, ...daughters]) => ({ kind: "divide", mother, daughters }),
    }),
  },
  {
    name: "swap", key: "w", title: "Swap", help: "Click two cells whose tracks were mistaken for one another: they change places from this frame on.",
    make: (app) => new CellPicker(app, {
      needs: 2, texts: ["", "Now the other cell, in the same frame."],
      send: ([first, second]) => ({ kind: "swap", first, second }),
    }),
  },
];
