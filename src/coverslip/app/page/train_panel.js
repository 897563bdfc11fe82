// what was finished → a model of one's own: minutes, a live curve, before and after; and all models.

import { getJson } from "./api.js";
import { button, choice, duration, make, plural, slider, svg } from "./dom.js";

export class TrainPanel {
  constructor(app, place) {
    this.app = app;
    this.from = choice("Begin from", [], null, () => {});
    this.minutes = slider({ label: "At most", min: 1, max: 60, step: 1, value: 10, show: (n) => plural(n, "minute"), onInput: () => {} });
    this.what = make("p", { class: "about" });
    this.start = button("Train", () => this.train(), { class: "primary" });
    this.stop = button("Stop", () => this.job && app.jobs.stop(this.job.job), { hidden: true });
    this.state = make("p", { class: "result", role: "status" });
    this.curve = make("figure", { class: "curve", hidden: true });
    this.verdict = make("div", { class: "verdict" });
    this.models = make("div", { class: "models" });
    place.append(this.what, this.from, this.minutes, make("div", { class: "row" }, this.start, this.stop), this.state, this.curve, this.verdict,
      make("h3", {}, "Models"), this.models);
    app.jobs.on("job", (job) => job.kind === "train" && this.hear(job));
    app.gallery.on("folder", () => this.count());
    app.gallery.on("updated", () => this.count());
  }

  count() {
    const finished = this.app.gallery.images.filter(({ state }) => state === "training").length;
    this.what.textContent = finished
      ? `The model learns from ${plural(finished, "finished image")}.`
      : "Correct an image until every cell is right, then press “Finished” (or draw a rectangle in which all is right). Three are a good beginning.";
    this.start.disabled = !finished || Boolean(this.job && this.isRunning());
  }

  isRunning() {
    return ["waiting", "running"].includes(this.job?.state);
  }

  async train() {
    const body = { from: this.from.select.value, minutes: Number(this.minutes.input.value) };
    this.start.disabled = true;
    if ((await this.app.jobs.start("/api/train", body)) === null) this.count();
  }

  hear(job) {
    this.job = job;
    const running = this.isRunning();
    this.stop.hidden = !running;
    this.count();
    this.state.textContent = [job.message, running ? duration(job.seconds_left) : ""].filter(Boolean).join(" · ");
    this.curve.hidden = !(job.curve?.length > 1);
    if (!this.curve.hidden) this.curve.replaceChildren(drawCurve(job.curve), legend());
    this.verdict.replaceChildren(...verdictOf(job));
    if (job.state === "done" && isBetter(job)) this.app.segment.settings.model = job.model; // at once: the list of models takes a moment
    if (job.state === "done") this.app.loadModels({ use: isBetter(job) ? job.model : null });
  }

  // Who chose another model to segment with goes on from it.
  beginFrom(name) {
    if ([...this.from.select.options].some(({ value }) => value === name)) this.from.select.value = name;
  }

  fillModels(models, chosen) {
    this.from.fill(models.map(({ name }) => [name, name]), this.from.select.value || chosen);
    this.models.replaceChildren(...models.map((model) => card(model, model.name === this.app.segment.settings.model)));
  }
}

const legend = () => make("figcaption", {}, make("span", { class: "loss" }, "loss"), make("span", { class: "validation" }, "score on held-back parts"));

// Loss and score by step, each on a scale of its own.
export function drawCurve(curve) {
  const width = 300, height = 110, pad = 8, last = curve[curve.length - 1].step || 1;
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "How the training went" });
  for (const name of ["loss", "validation"]) {
    const points = curve.filter((point) => Number.isFinite(point[name]));
    if (!points.length) continue;
    const most = name === "loss" ? Math.max(...points.map((point) => point[name])) || 1 : 1;
    const places = points.map((point) => [pad + ((width - 2 * pad) * point.step) / last, height - pad - ((height - 2 * pad) * point[name]) / most]);
    drawing.append(svg("polyline", { class: name, points: places.map((place) => place.map((n) => n.toFixed(1)).join(",")).join(" ") }));
    const [x, y] = places[places.length - 1];
    drawing.append(svg("circle", { class: name, cx: x, cy: y, r: 3 }));
  }
  return drawing;
}

const score = (result) => result?.ap ?? result?.jaccard ?? null;

const isBetter = ({ improved }) => improved === true;

// The two scores; what follows from them stands in the job's own sentence.
function verdictOf(job) {
  const [old, made] = [score(job.before), score(job.after)];
  if (old === null || made === null) return [];
  return [make("dl", { class: "scores" },
    make("div", {}, make("dt", {}, "Before"), make("dd", {}, old.toFixed(2))),
    make("div", { class: isBetter(job) ? "good" : "" }, make("dt", {}, "After"), make("dd", {}, made.toFixed(2)), sureOf(job.after)))];
}

// Between which the score would lie by chance, with as many cells.
function sureOf({ ap_95: limits }) {
  return limits ? make("dd", { class: "sure", title: "In 95 % of resamplings of the cells and images. New images may differ more than parts of these." }, limits.map((n) => n.toFixed(2)).join(" to ")) : null;
}

function card(model, isUsed) {
  const facts = [["learnt from", model.learnt_from], ["trained on", model.trained_on], ["made", model.created?.slice?.(0, 16).replace("T", " ")],
    ["scores", scoresText(model.scores)]];
  const rows = facts.filter(([, value]) => value).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, textOf(value))));
  return make("details", { open: isUsed },
    make("summary", {}, model.name, isUsed ? make("span", { class: "badge" }, "in use") : null),
    make("p", {}, model.about ?? ""), make("dl", { class: "facts" }, ...rows));
}

const textOf = (value) => (Array.isArray(value) ? value.map(textOf).join(", ") : typeof value === "object" ? Object.entries(value).map(([name, n]) => `${name} ${textOf(n)}`).join(", ") : String(value));

function scoresText(scores) {
  if (!scores || typeof scores !== "object") return scores;
  const numbers = Object.entries(scores).filter(([, value]) => typeof value === "number");
  return numbers.map(([name, value]) => `${name} ${value.toFixed(3)}`).join(", ");
}

export async function fetchModels() {
  const answer = await getJson("/api/models");
  return answer.models ?? answer;
}
