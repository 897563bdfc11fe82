// how the image is shown: contrast, gamma, channels, outlines, colours, grid. Kept by the browser.

import { checkbox, make, slider } from "./dom.js";
import { CHANNEL_COLOURS } from "./tiles.js";

const KEPT = "coverslip.view";
const FIRST = { low: 0, high: 255, gamma: 1, invert: false, labels: true, outlines: true, fill: 0.22, grid: false, scaleBar: true, smooth: false };

export class ViewPanel {
  constructor(app, place) {
    this.app = app;
    this.values = { ...FIRST, ...JSON.parse(localStorage.getItem(KEPT) || "{}") };
    this.place = place;
    this.rows = {};
    const { values } = this;
    const range = (name, options) => {
      this.rows[name] = slider({ ...options, value: values[name], onInput: (value) => this.set({ [name]: value }) });
      return this.rows[name];
    };
    const tick = (name, label) => {
      this.rows[name] = checkbox(label, values[name], (value) => this.set({ [name]: value }));
      return this.rows[name];
    };
    const percent = (n) => `${Math.round(n * 100)} %`;
    this.channels = make("fieldset", { class: "channels", hidden: true }, make("legend", {}, "Channels"));
    place.append(
      make("h3", {}, "Image"),
      range("low", { label: "Black", min: 0, max: 254, step: 1, show: (n) => percent(n / 255) }),
      range("high", { label: "White", min: 1, max: 255, step: 1, show: (n) => percent(n / 255) }),
      range("gamma", { label: "Gamma", min: 0.2, max: 3, step: 0.05, show: (n) => n.toFixed(2) }),
      tick("invert", "Invert"), tick("smooth", "Smooth the pixels"), this.channels,
      make("h3", {}, "Cells"),
      tick("labels", "Show cells"), tick("outlines", "Outlines"),
      range("fill", { label: "Colour", min: 0, max: 0.8, step: 0.02, show: percent }),
      make("h3", {}, "On top"), tick("grid", "Grid"), tick("scaleBar", "Scale bar"),
      make("div", { class: "row" }, make("button", { type: "button", click: () => this.reset() }, "Reset")));
    app.editor.on("open", () => this.showChannels());
    this.use(values);
  }

  set(values) {
    Object.assign(this.values, values);
    localStorage.setItem(KEPT, JSON.stringify(this.values));
    this.use(values);
  }

  toggle(name) {
    this.set({ [name]: !this.values[name] });
    this.rows[name].set(this.values[name]);
  }

  reset() {
    this.set({ ...FIRST });
    for (const [name, row] of Object.entries(this.rows)) row.set(FIRST[name]);
  }

  use(values) {
    const { viewer } = this.app;
    if (["low", "high", "gamma", "invert"].some((name) => name in values)) viewer.tiles.setLook(values);
    if ("fill" in values || "outlines" in values) viewer.overlay.setLook(this.values);
    const { labels, grid, scaleBar, smooth } = this.values;
    viewer.show = { labels, grid, scaleBar, smooth };
    viewer.redraw();
  }

  showChannels() {
    const { viewer, editor } = this.app, names = editor.image.channels ?? [];
    this.channels.hidden = names.length < 2;
    const shown = names.map(() => true);
    viewer.tiles.setLook({ channels: shown });
    const rows = names.map((name, n) => {
      const row = checkbox(name, true, (value) => {
        shown[n] = value;
        viewer.tiles.setLook({ channels: shown });
        viewer.redraw();
      });
      row.style.setProperty("--channel", CHANNEL_COLOURS[(n + 1) % CHANNEL_COLOURS.length]);
      return row;
    });
    this.channels.replaceChildren(make("legend", {}, "Channels"), ...rows);
  }
}
