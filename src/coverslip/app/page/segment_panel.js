// model, size and threshold → a result that changes under the sliders; accepted, or made of all images.

import { framePath, getLabels, postJson } from "./api.js";
import { announce, button, choice, make, notify, plural, slider } from "./dom.js";

const AUTO = { name: "auto", title: "automatic: the one that fits", about: "Looks at the image and takes the shipped model that fits it." };
const FITS = 0.5; // score of fit; below, less than half is likely to be right
const WAIT = 90; // ms of rest before a slider's value is asked for

export class SegmentPanel {
  constructor(app, place) {
    this.app = app;
    this.settings = { model: null, cell_size: null, threshold: null };
    this.model = choice("Model", [], null, (name) => this.change({ model: name, cell_size: null, threshold: null }));
    this.about = make("p", { class: "about" });
    this.size = slider({
      label: "Size of a cell", min: 0, max: 100, step: 1, value: 0, title: "0: the model finds the size itself",
      show: (n) => (n ? `${sizeOf(n)} px` : "found"), onInput: (n) => this.change({ cell_size: n ? sizeOf(n) : null }),
    });
    this.threshold = slider({
      label: "Threshold", min: 0, max: 0.95, step: 0.01, value: 0, title: "Higher: fewer and smaller cells. 0: the model's own",
      show: (n) => (n ? n.toFixed(2) : "the model's own"), onInput: (n) => this.change({ threshold: n || null }),
    });
    this.result = make("p", { class: "result", role: "status" });
    this.accept = button("Accept", () => this.acceptPreview(), { class: "primary" });
    this.discard = button("Discard", () => this.app.editor.dropPreview());
    this.warning = make("p", { class: "warning", role: "status", hidden: true });
    this.choices = make("div", { class: "row", hidden: true }, this.accept, this.discard);
    this.one = button("Segment this image", () => this.look(), { class: "primary", "data-key": "p" });
    this.all = button("Segment all", () => this.segment(null));
    place.append(this.model, this.about, this.size, this.threshold, this.result, this.warning, this.choices,
      make("div", { class: "row" }, this.one, this.all),
      make("p", { class: "hint" }, "The sliders change the result at once; nothing is kept until you accept it. Corrected images are never replaced by “all”."));
    app.editor.on("preview", (shown) => this.onPreview(shown));
    app.editor.on("frame", () => this.forget());
    app.editor.on("open", () => this.forget());
  }

  fillModels(models, chosen) {
    this.models = [AUTO, ...models];
    const keep = this.models.some(({ name }) => name === this.settings.model) ? this.settings.model : chosen;
    this.use(keep ?? models[0]?.name ?? null);
  }

  use(name) {
    this.settings.model = name;
    this.model.fill((this.models ?? []).map((model) => [model.name, model.title ?? model.name]), name);
    this.about.textContent = this.models?.find((model) => model.name === name)?.about ?? "";
  }

  change(settings) {
    Object.assign(this.settings, settings);
    if (settings.model) {
      this.use(settings.model);
      this.app.train.beginFrom(settings.model);
      this.size.set(0);
      this.threshold.set(0);
      postJson("/api/model", { name: settings.model }).catch((error) => this.app.editor.tell(error));
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), WAIT);
  }

  // Ask for the result with the present settings; what was asked before is given up.
  async look() {
    const { editor } = this.app, { image, frame } = editor;
    if (!image) return;
    this.asked?.abort();
    const asked = (this.asked = new AbortController());
    this.result.textContent = "Looking …";
    this.result.classList.add("busy");
    const began = performance.now();
    try {
      const answer = await getLabels(`${framePath(image.id, frame)}/preview`, { body: this.settings, signal: asked.signal });
      if (editor.image !== image || editor.frame !== frame) return;
      editor.showPreview(answer.data, answer);
      this.tell(answer, performance.now() - began);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.result.textContent = "";
      editor.tell(error);
    } finally {
      if (this.asked === asked) this.result.classList.remove("busy");
    }
  }

  tell({ cells, scale, threshold, model, fit }, milliseconds) {
    const parts = [plural(cells ?? 0, "cell")];
    if (model && model !== this.settings.model) parts.push(`model ${model}`);
    if (scale) parts.push(`scale ${scale.toFixed(2)}`);
    if (threshold !== null) parts.push(`threshold ${threshold.toFixed(2)}`);
    this.result.textContent = `${parts.join(", ")} · ${(milliseconds / 1000).toFixed(milliseconds < 950 ? 2 : 1)} s`;
    announce(`${parts[0]} found. Accept or discard.`);
    this.warn(cells, fit);
  }

  // A model may find much that is no cell, or nothing: then this is said, with the cure.
  warn(cells, fit) {
    const found = cells ? (fit !== null && fit < FITS ? `About ${Math.round(100 * fit)} % of what it calls cell is likely to be right.` : "") : "It finds no cell here.";
    this.warning.hidden = !found;
    this.warning.textContent = found && `${found} Try another model, or tell it the size of a cell; else correct a few images and train.`;
  }

  async acceptPreview() {
    const { editor, outbox } = this.app, { image, frame } = editor;
    if (!editor.preview) return;
    editor.dropPreview();
    const reply = await outbox.add({ path: `${framePath(image.id, frame)}/accept`, body: this.settings, image: image.id, frame });
    if (reply) announce("Accepted.");
  }

  async segment(images) {
    const job = await this.app.jobs.start("/api/segment", { images, ...this.settings });
    if (job !== null) announce("The images are being segmented.");
  }

  onPreview(shown) {
    this.choices.hidden = !shown;
    if (!shown) this.forget();
    document.body.classList.toggle("previewing", shown);
  }

  forget() {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.result.textContent = "";
    this.warning.hidden = true;
  }
}

// 1 to 100 → 4 to 400 pixels, finer where cells are small.
export function sizeOf(step) {
  return Math.round(4 * 100 ** (step / 100));
}

export function explainPreview() {
  notify("This is a preview. Accept it (Enter) or discard it (Escape) before you correct.");
}
