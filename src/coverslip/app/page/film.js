// a film → its slider and player; frames are asked for before they are shown.

import { byId, button, icon, make } from "./dom.js";

const PLAY = "M7 4.5v15l12.5-7.5z";
const PAUSE = ["M7 5h3.5v14H7z", "M13.5 5H17v14h-3.5z"];

export class Film {
  constructor(app) {
    this.app = app;
    this.place = byId("film");
    this.timer = null;
    this.play = button("", () => this.toggle(), { class: "round", "aria-label": "Play" });
    this.slider = make("input", { type: "range", min: 0, step: 1, value: 0, "aria-label": "Frame", input: () => this.go(Number(this.slider.value)) });
    this.number = make("output", {});
    this.place.append(this.play, button("‹", () => this.step(-1), { class: "round", "aria-label": "Previous frame", title: "Previous frame (,)" }),
      this.slider, button("›", () => this.step(1), { class: "round", "aria-label": "Next frame", title: "Next frame (.)" }), this.number);
    app.editor.on("open", () => this.show());
    app.editor.on("frame", () => this.show());
    this.setIcon(false);
  }

  show() {
    const { image, frame } = this.app.editor;
    this.place.hidden = image.frames < 2;
    if (image.frames < 2) {
      this.stop();
      return;
    }
    this.slider.max = image.frames - 1;
    if (this.wanted === null || this.wanted === undefined) this.slider.value = frame;
    const time = image.frame_interval_s ? `, ${timeOf(frame * image.frame_interval_s)}` : "";
    this.number.textContent = `${frame + 1} / ${image.frames}${time}`;
    this.slider.setAttribute("aria-valuetext", `frame ${frame + 1} of ${image.frames}${time}`);
    if (frame + 1 < image.frames) this.app.viewer.tiles.prefetch(frame + 1);
  }

  // Frames that come faster than they can be shown are left out.
  async go(frame) {
    const { editor } = this.app;
    this.wanted = Math.min(editor.image.frames - 1, Math.max(0, frame));
    if (this.busy) return;
    this.busy = true;
    while (this.wanted !== null && this.wanted !== editor.frame) {
      const next = this.wanted;
      if (!(await editor.open(editor.image.id, next, { keepView: true }))) break;
      if (this.wanted === next) break;
    }
    this.wanted = null;
    this.busy = false;
    this.slider.value = editor.frame;
  }

  step(by) {
    return this.go((this.wanted ?? this.app.editor.frame) + by);
  }

  toggle() {
    if (this.timer) this.stop();
    else {
      this.setIcon(true);
      this.timer = setInterval(() => {
        const { image, frame } = this.app.editor;
        if (!this.busy) this.go(frame + 1 < image.frames ? frame + 1 : 0);
      }, 125);
    }
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.setIcon(false);
  }

  setIcon(playing) {
    this.play.replaceChildren(icon(playing ? PAUSE : PLAY));
    this.play.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.play.title = this.play.getAttribute("aria-label");
  }
}

function timeOf(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
