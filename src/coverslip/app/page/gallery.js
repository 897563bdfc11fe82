// the folder → thumbnails with the state of each image, in the order of names or of doubt.

import { getJson, imagePath } from "./api.js";
import { byId, choice, Emitter, make, notify, plural } from "./dom.js";

export const STATES = {
  new: "not done",
  found: "found",
  corrected: "corrected",
  training: "finished",
};

// Events: "choose" (an image's id), "folder".
export class Gallery extends Emitter {
  constructor(place) {
    super();
    this.images = [];
    this.chosen = null;
    this.order = "name";
    this.list = make("ul", { class: "images", "aria-label": "Images" });
    this.summary = make("p", { class: "summary" });
    this.sort = choice("Order", [["name", "by name"], ["doubt", "most doubtful first"]], "name", (value) => {
      this.order = value;
      this.refresh();
    });
    place.append(make("div", { class: "gallery-head" }, this.sort, this.summary), this.list);
  }

  async refresh() {
    const turn = (this.turn = (this.turn || 0) + 1);
    try {
      const folder = await getJson(`/api/folder?order=${this.order}`);
      if (turn !== this.turn) return;
      this.folder = folder;
      this.images = folder.images;
      this.show();
      this.emit("folder", folder);
    } catch (error) {
      notify(error.message, { error: true });
    }
  }

  show() {
    const old = new Map([...this.list.children].map((item) => [item.dataset.id, item]));
    this.list.replaceChildren(...this.images.map((image) => this.item(image, old.get(image.id))));
    const done = this.images.filter(({ state }) => state !== "new").length;
    const learnt = this.images.filter(({ state }) => state === "training").length;
    this.summary.textContent = `${done} of ${plural(this.images.length, "image")} done${learnt ? `, ${learnt} finished` : ""}`;
    byId("folder-name").textContent = this.folder.folder.split(/[\\/]/).filter(Boolean).pop() ?? this.folder.folder;
    byId("folder-name").title = this.folder.folder;
    this.mark();
  }

  // An element is kept as long as its image is, so that its picture does not flicker.
  item(image, old) {
    const item = old ?? make("li", { "data-id": image.id },
      make("button", { type: "button", click: () => this.emit("choose", image.id) },
        make("img", { src: `${imagePath(image.id)}/thumbnail.png`, alt: "", loading: "lazy", width: 64, height: 64 }),
        make("span", { class: "image-name" }), make("span", { class: "image-facts" }), make("span", { class: "image-reason" }), make("i", { class: "state" })));
    const facts = [(image.cells ?? null) !== null && (image.cells || image.state !== "new") ? plural(image.cells, "cell") : null,
      image.frames > 1 ? plural(image.frames, "frame") : null,
      image.frames > 1 && this.order === "doubt" && image.doubt_frame !== null ? `see frame ${image.doubt_frame + 1}` : null];
    const reason = (this.order === "doubt" ? image.doubt_reason : null) ?? image.misfit;
    item.querySelector(".image-reason").textContent = reason ? `${reason[0].toUpperCase()}${reason.slice(1)}.` : "";
    item.querySelector(".image-name").textContent = image.name;
    item.querySelector(".image-facts").textContent = [STATES[image.state], ...facts].filter(Boolean).join(" · ");
    item.querySelector(".state").className = `state ${image.state}`;
    item.title = [image.name, image.misfit, image.doubt_reason].filter(Boolean).join("\n");
    return item;
  }

  // What an answer of the server says of one image.
  update({ image, cells, state }) {
    const entry = this.images.find(({ id }) => id === image);
    if (!entry) return;
    if (cells !== undefined && cells !== null) entry.cells = cells;
    if (state) entry.state = state;
    this.show();
    this.emit("updated", entry);
  }

  choose(id) {
    this.chosen = id;
    this.mark();
    this.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  mark() {
    for (const item of this.list.children) {
      const isChosen = item.dataset.id === this.chosen;
      item.firstChild.toggleAttribute("aria-current", isChosen);
      if (isChosen) item.firstChild.setAttribute("aria-current", "true");
    }
  }

  entry(id = this.chosen) {
    return this.images.find((image) => image.id === id) ?? null;
  }

  // The image `step` places on in the order that is shown.
  neighbour(step) {
    const at = this.images.findIndex(({ id }) => id === this.chosen);
    return this.images[at + step]?.id ?? null;
  }
}
