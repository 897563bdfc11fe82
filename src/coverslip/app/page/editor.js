// the image that is open, its labels and corrections ↔ the server.

import { Away, framePath, getJson, getLabels, imagePath, packLabels, unpackLabels } from "./api.js";
import { announce, Emitter, notify, plural } from "./dom.js";
import { LabelStore } from "./labels.js";

const QUIET = /^(was done already|undo|redo|tracks)/i; // what is seen on the image anyway
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

// Events: "open", "frame", "cells", "labels", "preview".
export class Editor extends Emitter {
  constructor({ viewer, outbox }) {
    super();
    Object.assign(this, { viewer, outbox });
    this.image = null;
    this.frame = 0;
    this.store = null;
    this.preview = null;
    this.nextLabel = 1;
    this.partial = false; // more is in view than is shown
    this.drawing = false; // a pen is down: answers wait
    this.late = [];
    this.turn = 0;
    viewer.on("view", () => this.loadView());
    outbox.onReply = (entry, reply) => this.onReply(entry, reply).catch((error) => this.tell(error));
    outbox.onRefused = (entry, error) => this.onRefused(entry, error);
  }

  // Open an image at a frame. The last call wins.
  async open(id, frame = 0, { keepView = false } = {}) {
    const turn = ++this.turn;
    this.dropPreview();
    try {
      const image = this.image?.id === id && keepView ? this.image : await getJson(imagePath(id));
      if (turn !== this.turn) return false;
      const store = this.makeStore(image, frame);
      const isOther = this.image?.id !== id;
      if (!isOther) await store.load(this.viewer.window(), (_, answer) => this.learn(answer));
      if (turn !== this.turn) return false;
      this.store?.close();
      Object.assign(this, { image, frame, store });
      if (isOther) this.nextLabel = 1;
      this.redoPatches();
      this.viewer.open(image, frame, store, { keepView: keepView || !isOther });
      this.emit(isOther ? "open" : "frame", { image, frame });
      await this.loadView();
      return true;
    } catch (error) {
      if (turn === this.turn) this.tell(error);
      return false;
    }
  }

  makeStore(image, frame) {
    return new LabelStore({
      height: image.height,
      width: image.width,
      fetchWindow: (window) => getLabels(`${framePath(image.id, frame)}/labels?window=${window.join(",")}`),
    });
  }

  // The labels of this frame anew, because they were made anew.
  async reload() {
    if (!this.image) return;
    const id = this.image.id;
    const image = await getJson(imagePath(id));
    if (this.image.id !== id) return;
    const store = this.makeStore(image, this.frame);
    await store.load(this.viewer.window(), (_, answer) => this.learn(answer));
    if (this.image.id !== id) return;
    this.store.close();
    Object.assign(this, { image, store });
    this.redoPatches();
    if (!this.preview) this.viewer.open(image, this.frame, store, { keepView: true });
    this.emit("labels");
  }

  async loadView() {
    const { store } = this;
    if (!store || this.preview) return;
    if (!this.isTooMuch && this.isLoaded) { // nothing is to come: a view that moves costs its drawing alone
      this.setPartial(false);
      return;
    }
    try {
      const all = await store.load(this.viewer.window(), (window, answer) => {
        this.learn(answer);
        if (store !== this.store) return;
        this.redoPatches();
        this.viewer.overlay.touch(window);
        this.viewer.redraw();
      });
      this.emit("labels");
      this.setPartial(!all && store === this.store && !store.closed);
    } catch (error) {
      this.tell(error);
    }
  }

  setPartial(partial) {
    if (partial === this.partial) return;
    this.partial = partial;
    this.emit("partial", partial);
  }

  learn({ nextLabel, cells = null }) {
    if (nextLabel) this.nextLabel = Math.max(this.nextLabel, nextLabel);
    if (cells !== null && this.image?.frames === 1) this.emit("cells", { image: this.image.id, cells });
  }

  redoPatches() {
    for (const { window, values } of this.outbox.patchesOf(this.image.id, this.frame)) {
      this.store.write(window, values);
      this.viewer.overlay.touch(window);
    }
  }

  get isOpen() {
    return this.store !== null && !this.preview;
  }

  // Whether the cells in view are here: before, nothing can be told of a place, nor drawn on it.
  get isLoaded() {
    return this.store !== null && this.store.isLoaded(this.viewer.window());
  }

  // Whether so much of a large image is in view that its cells are not asked for.
  get isTooMuch() {
    return this.store !== null && this.store.isTooMuch(this.viewer.window());
  }

  labelAt([y, x]) {
    return (this.preview ?? this.store).at(Math.floor(y), Math.floor(x));
  }

  // Labels in a window changed by a pen that is still down.
  drawn(window) {
    this.viewer.overlay.touch(window);
    this.viewer.redraw();
  }

  // `made`: the number of a cell that begins with this stroke, else null.
  sendPatch({ window, values }, made) {
    const pack = packLabels(values).then((labels) => ({ labels }));
    return this.send({ kind: "patch", window, new: made }, { local: { window, values }, pack });
  }

  send(body, { local = null, pack = null } = {}) {
    const { frame } = this, image = this.image.id;
    return this.outbox.add({ path: `${framePath(image, frame)}/edits`, body, image, frame, local, pack });
  }

  undo() {
    if (!this.drawing) this.outbox.add({ path: "/api/undo", body: {} });
  }

  redo() {
    if (!this.drawing) this.outbox.add({ path: "/api/redo", body: {} });
  }

  finish({ rectangles = null, finished }) {
    const { frame } = this, image = this.image.id;
    return this.outbox.add({ path: `${imagePath(image)}/finished`, body: { frames: [frame], rectangles, finished }, image, frame });
  }

  async onReply(entry, reply) {
    if (this.drawing) {
      this.late.push([entry, reply]);
      return;
    }
    if (reply.message && !QUIET.test(reply.message)) notify(sentence(reply.message));
    if (reply.tracks === true || Array.isArray(reply.tracks)) this.emit("tracks", reply);
    const image = reply.image ?? entry.image, frame = reply.frame ?? entry.frame;
    const isUndo = entry.path.startsWith("/api/undo") || entry.path.startsWith("/api/redo");
    if (isUndo) announce(entry.path.endsWith("undo") ? "Undone." : "Done again.");
    if (reply.tracks === true && image === this.image.id) return; // the frame that one looks at stays
    if (isUndo && typeof image === "string" && (image !== this.image.id || frame !== this.frame)) {
      await this.open(image, frame, { keepView: image === this.image.id });
      this.emit("cells", { ...reply, image, frame });
      return;
    }
    if (entry.path.endsWith("/finished")) await this.refreshFinished();
    await this.apply({ ...reply, image, frame });
  }

  // Labels that the server says now stand in a window; strokes it has not seen yet are drawn over them.
  async apply(reply) {
    if (reply.window && reply.labels) {
      const values = await unpackLabels(reply.labels);
      if (this.image?.id === reply.image && this.frame === reply.frame) this.place(reply.window, values);
    }
    this.learn({ nextLabel: reply.next_label });
    if (reply.cells !== undefined || reply.state) this.emit("cells", reply);
  }

  // A window that another tab changed.
  async fetchWindow(window) {
    const { image, frame, store } = this;
    const answer = await getLabels(`${framePath(image.id, frame)}/labels?window=${window.join(",")}`);
    this.learn(answer);
    if (store === this.store) this.place(window, answer.data);
  }

  place(window, values) {
    this.store.write(window, values);
    this.redoPatches();
    this.viewer.overlay.touch(window);
    if (!this.preview) this.viewer.redraw();
    this.emit("labels");
  }

  async refreshFinished() {
    const id = this.image.id;
    const image = await getJson(imagePath(id)).catch(() => null);
    if (!image || this.image.id !== id) return;
    Object.assign(this.image, { finished: image.finished, state: image.state });
    this.viewer.redraw();
    this.emit("finished");
  }

  onRefused(entry, error) {
    notify(error.message, { error: true });
    return entry.local ? this.reload().catch((problem) => this.tell(problem)) : null;
  }

  penDown() {
    this.drawing = true;
  }

  penUp() {
    this.drawing = false;
    for (const answer of this.late.splice(0)) this.onReply(...answer);
  }

  // Show other labels in place of the true ones, without touching them.
  showPreview(data, { height, width }) {
    this.preview = new LabelStore({ height, width, fetchWindow: () => Promise.reject(new Error("A preview is whole.")) });
    this.preview.fill(data);
    this.viewer.open(this.image, this.frame, this.preview, { keepView: true });
    this.emit("preview", true);
  }

  dropPreview() {
    if (!this.preview) return;
    this.preview = null;
    this.viewer.open(this.image, this.frame, this.store, { keepView: true });
    this.emit("preview", false);
  }

  tell(error) {
    if (error.name === "AbortError") return;
    if (error instanceof Away) this.emit("away", error.message);
    notify(error.message, { error: true });
  }

  describe([y, x]) {
    if (!this.isLoaded) {
      announce("The cells of this image are still on their way.");
      return;
    }
    const label = this.labelAt([y, x]);
    announce(`${label ? `Cell ${label}` : "Background"} at ${plural(Math.floor(x), "pixel")} across, ${Math.floor(y)} down.`);
  }
}
