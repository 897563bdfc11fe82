// corrections → the server, one after another. None leaves the queue before its answer came.

import { Away, newId, postJson } from "./api.js";
import { Emitter } from "./dom.js";

const KEPT = "coverslip.waiting.";

// Event: "state" (saved, saving or away). `onReply` and `onRefused` are called with what became of an entry.
export class Outbox extends Emitter {
  constructor(folder) {
    super();
    this.key = KEPT + newId();
    this.folder = folder;
    this.entries = [];
    this.own = new Set();
    this.state = "saved";
    this.sentence = "";
    this.onReply = async () => {};
    this.onRefused = async () => {};
  }

  // To be called when all listen: what a page of this folder that is gone could not send. Sent twice, it is done once: the server knows ids.
  adopt() {
    for (const key of Object.keys(localStorage).filter((name) => name.startsWith(KEPT))) {
      const kept = JSON.parse(localStorage.getItem(key));
      if (kept.folder !== this.folder) continue;
      localStorage.removeItem(key);
      for (const entry of kept.entries) this.put({ ...entry, local: null, ready: null });
    }
  }

  // `pack` is a promise of what else belongs into the body. Order is the order of calls.
  add({ path, body, image = null, frame = null, local = null, pack = null }) {
    const entry = { path, body: { ...body, id: newId() }, image, frame, local, ready: null };
    if (pack) {
      entry.ready = pack.then((more) => {
        Object.assign(entry.body, more);
        this.keep();
      });
    }
    return this.put(entry);
  }

  put(entry) {
    const answered = new Promise((resolve) => { entry.resolve = resolve; });
    this.entries.push(entry);
    this.own.add(entry.body.id);
    this.keep();
    this.setState(this.state === "away" ? "away" : "saving");
    if (!this.running) this.run();
    return answered;
  }

  async run() {
    this.running = true;
    let wait = 300;
    while (this.entries.length) {
      const entry = this.entries[0];
      try {
        await entry.ready;
        const reply = await postJson(entry.path, entry.body);
        wait = 300;
        this.drop(entry);
        await this.onReply(entry, reply);
        entry.resolve(reply);
      } catch (error) {
        if (error instanceof Away) {
          this.setState("away", error.message);
          await this.pause(wait);
          wait = Math.min(3000, wait * 2);
          continue;
        }
        this.drop(entry);
        await this.onRefused(entry, error);
        entry.resolve(null);
      }
      this.setState(this.entries.length ? "saving" : "saved");
    }
    this.running = false;
  }

  pause(wait) {
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, wait);
    });
  }

  drop(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.keep();
  }

  // Patches not yet answered of a frame, oldest first: they are drawn again over what the server says.
  patchesOf(image, frame) {
    return this.entries.filter((entry) => entry.local && entry.image === image && entry.frame === frame).map((entry) => entry.local);
  }

  setState(state, sentence = "") {
    this.state = state;
    this.sentence = sentence;
    this.emit("state", { state, sentence, waiting: this.entries.length });
  }

  keep() {
    if (!this.entries.length) {
      localStorage.removeItem(this.key);
      return;
    }
    const entries = this.entries.map(({ path, body, image, frame }) => ({ path, body, image, frame }));
    try {
      localStorage.setItem(this.key, JSON.stringify({ folder: this.folder, entries }));
    } catch { /* the browser's store is full: they wait in the page alone */ }
  }
}
