// the tracks of a film → their number, what is suspicious in them, and what mends it.

import { imagePath } from "./api.js";
import { button, checkbox, make, plural } from "./dom.js";

export class TrackPanel {
  constructor(app, place, tools) {
    this.app = app;
    this.none = make("p", { class: "about" }, "This image is no film: it has one frame.");
    this.summary = make("p", { class: "about" });
    this.track = button("Track the cells", () => this.start(), { class: "primary" });
    this.list = make("ol", { class: "events", "aria-label": "Suspicious events" });
    this.hint = make("p", { class: "hint" });
    this.body = make("div", {}, this.summary, make("div", { class: "row" }, this.track),
      checkbox("Show the tails", true, (shown) => {
        app.tracks.shown = shown;
        app.viewer.redraw();
      }),
      make("h3", {}, "Mend"), make("div", { class: "track-tools", role: "group", "aria-label": "Tools for tracks" }, ...tools), this.hint,
      make("h3", {}, "Suspicious"),
      make("div", { class: "row" }, button("Previous", () => app.tracks.next(-1), { title: "Previous event (Shift+J)" }),
        button("Next", () => app.tracks.next(1), { title: "Next event (J)", class: "next" })), this.list);
    place.append(this.none, this.body);
    app.tracks.on("tracks", () => this.show());
    app.tracks.on("event", (event) => this.mark(event));
  }

  async start() {
    await this.app.jobs.start(`${imagePath(this.app.editor.image.id)}/track`, {});
  }

  show() {
    const { tracks, events } = this.app.tracks, isFilm = this.app.editor.image.frames > 1;
    this.none.hidden = isFilm;
    this.body.hidden = !isFilm;
    const divisions = new Set(tracks.map((track) => track.parent_track_id).filter((parent) => parent !== null && parent > 0)).size;
    this.summary.textContent = tracks.length
      ? `${plural(tracks.length, "track")}, ${plural(divisions, "division")}, ${plural(events.length, "suspicious event")}.`
      : "The cells of this film are not tracked yet. Segment it first, then track.";
    this.track.textContent = tracks.length ? "Track anew" : "Track the cells";
    this.list.replaceChildren(...events.slice(0, 300).map((event) => this.item(event)));
  }

  item(event) {
    const open = button("", () => this.app.tracks.go(event));
    open.append(make("b", {}, `Frame ${event.frame + 1}`), make("span", {}, event.text));
    const item = make("li", {}, open);
    item.event = event;
    return item;
  }

  mark(event) {
    for (const item of this.list.children) {
      const isIt = item.event === event;
      item.firstChild.classList.toggle("chosen", isIt);
      if (isIt) item.scrollIntoView({ block: "nearest" });
    }
  }
}
