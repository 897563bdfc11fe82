// what runs in the server → bars with the time left; its events → those who listen.

import { getJson, postJson } from "./api.js";
import { byId, button, duration, Emitter, make, notify } from "./dom.js";

const NAMES = { segment: "Segmenting", train: "Training", track: "Tracking", suggest: "Looking" };
const ENDED = ["done", "failed", "stopped"];

// Events: "job" (each news of one), "ended", "edit", "images", "back" (the server answers again).
export class Jobs extends Emitter {
  constructor() {
    super();
    this.jobs = new Map();
    this.place = byId("jobs");
  }

  connect() {
    const source = new EventSource("/api/events");
    let lost = false;
    const listen = (name, use) => source.addEventListener(name, (event) => use(JSON.parse(event.data)));
    listen("job", (job) => this.hear(job));
    listen("edit", (edit) => this.emit("edit", edit));
    listen("images", () => this.emit("images"));
    source.onmessage = (event) => this.hear(JSON.parse(event.data));
    source.onerror = () => {
      if (!lost) this.emit("lost");
      lost = true;
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.connect(), 1500);
    };
    source.onopen = () => {
      if (lost) this.emit("back");
      lost = false;
    };
    getJson("/api/jobs").then((list) => {
      for (const job of list.jobs ?? list) if (!ENDED.includes(job.state) || job.kind === "train") this.hear(job, { old: true });
    }).catch(() => {});
  }

  // Start one and follow it, also where events do not come through.
  async start(path, body) {
    try {
      const { job } = await postJson(path, body);
      this.follow(job);
      return job;
    } catch (error) {
      notify(error.message, { error: true });
      return null;
    }
  }

  async follow(number) {
    for (;;) {
      const job = await getJson(`/api/jobs/${number}`).catch(() => null);
      if (job) this.hear(job);
      if (job && ENDED.includes(job.state)) return;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  stop(number) {
    postJson(`/api/jobs/${number}/stop`, {}).catch((error) => notify(error.message, { error: true }));
  }

  hear(job, { old = false } = {}) {
    const before = this.jobs.get(job.job);
    if (before && ENDED.includes(before.state)) return;
    this.jobs.set(job.job, job);
    this.show(job);
    this.emit("job", job);
    if (!ENDED.includes(job.state) || old) return;
    if (job.message) notify(job.message, { error: job.state === "failed" });
    this.emit("ended", job);
  }

  running(kind) {
    return [...this.jobs.values()].find((job) => job.kind === kind && !ENDED.includes(job.state)) ?? null;
  }

  show(job) {
    const id = `job-${job.job}`;
    byId(id)?.remove();
    if (ENDED.includes(job.state)) return;
    const part = job.total ? job.done / job.total : 0;
    const name = NAMES[job.kind] ?? job.kind;
    const count = job.kind === "train" || !job.total ? "" : ` ${job.done} of ${job.total}`;
    this.place.append(make("div", { class: "job", id, title: job.message },
      make("span", {}, `${name}${count}`),
      make("progress", { max: 1, value: job.total ? part : null, "aria-label": name }),
      make("small", {}, job.state === "waiting" ? "waiting" : duration(job.seconds_left)),
      button("Stop", () => this.stop(job.job), { class: "quiet", "aria-label": `Stop ${name.toLowerCase()}` })));
  }
}
