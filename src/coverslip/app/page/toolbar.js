// the frame around the image: toolbar, tabs, the mark that says what is saved.

import { byId, button, checkbox, icon, make, plural, slider } from "./dom.js";
import { TOOLS } from "./tools.js";
import { TRACK_TOOLS } from "./tracks.js";

const ICONS = {
  look: "M5 12V7a1.5 1.5 0 0 1 3 0v4V5a1.5 1.5 0 0 1 3 0v6V4a1.5 1.5 0 0 1 3 0v7V6a1.5 1.5 0 0 1 3 0v8c0 4-2.5 7-6 7-3 0-4.500-1.500-6-4l-1-2",
  brush: ["M20 4c-4 1-8 5-10 9l2 2c4-2 7-6 8-11z", "M9.500 13.500c-2.500 0-4 1.500-4 4 0 1-1 2-2 2 3 1.500 8 1 8-4"],
  erase: ["M4 15.500 13.500 6a1.500 1.500 0 0 1 2 0l4 4a1.500 1.500 0 0 1 0 2L12 19.500H8z", "M9 10.500l6 6", "M12 19.500h8"],
  outline: "M12 4c5-1 8 3 7 8s-4 8-8 7-8-3-7-8 3-6 8-7z",
  magic: ["M4 20 14 10", "M15 3v4M13 5h4", "M19 10v4M17 12h4", "M9 4v2M8 5h2"],
  fill: ["M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z", "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z"],
  merge: ["M9 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12z", "M15 6a6 6 0 1 1 0 12 6 6 0 0 1 0-12z"],
  split: ["M10 5a7 7 0 0 0 0 14z", "M14 5a7 7 0 0 1 0 14z"],
  delete: ["M6 6l12 12", "M18 6 6 18"],
  lasso: ["M12 4c5 0 8 2.500 8 5.500S17 15 12 15s-8-2.500-8-5.500S7 4 12 4z", "M7 14c-2 2 1 3 0 6"],
  rectangle: ["M4 8V5h3M17 5h3v3M20 16v3h-3M7 19H4v-3", "M8.500 12l2.500 2.500 4.500-5"],
};
const GROUPS = [["look"], ["brush", "erase", "outline", "magic", "fill"], ["merge", "split"], ["delete", "lasso"], ["rectangle"]];

export function makeToolbar(app) {
  const tools = new Map();
  for (const tool of [...TOOLS, ...TRACK_TOOLS]) {
    const isTrack = TRACK_TOOLS.includes(tool);
    const press = button(isTrack ? tool.title : "", () => app.useTool(tool.name), {
      "aria-pressed": "false", "aria-label": tool.title, title: `${tool.title} (${tool.key.toUpperCase()})`, "aria-keyshortcuts": tool.key, "data-tool": tool.name,
    });
    if (!isTrack) press.append(icon(ICONS[tool.name]), make("kbd", { "aria-hidden": "true" }, tool.key.toUpperCase()));
    tools.set(tool.name, { ...tool, use: tool.make(app), button: press });
  }
  byId("tools").append(...GROUPS.map((names) => make("div", { class: "group" }, ...names.map((name) => tools.get(name).button))));
  app.trackButtons = TRACK_TOOLS.map(({ name }) => tools.get(name).button);
  let fading = null;
  app.tellTool = (text) => {
    const help = byId("tool-help");
    help.textContent = text ?? app.tool?.help ?? "";
    help.classList.remove("read");
    clearTimeout(fading);
    if (!text) fading = setTimeout(() => help.classList.add("read"), 7000); // then it does not hide the image
  };
  app.useTool = (name) => {
    if (app.tool) app.cancelTool();
    app.tool = tools.get(name);
    for (const tool of tools.values()) tool.button.setAttribute("aria-pressed", tool.name === name);
    app.viewer.canvas.dataset.tool = name;
    byId("options").hidden = !["brush", "erase"].includes(name);
    byId("paint-over").hidden = name !== "brush";
    app.tellTool(null);
    app.viewer.redraw();
  };
  app.viewer.extra.push((context, view) => app.tool?.use.draw?.(context, view));
  makeOptions(app);
  makeButtons(app);
  roveArrows(byId("tools"), "ArrowUp", "ArrowDown");
}

function makeOptions(app) {
  const size = slider({ label: "Size", min: 1, max: 200, step: 1, value: app.settings.brush, title: "Size of the brush, [ and ]", show: (n) => `${n} px`, onInput: (n) => app.setBrush(n) });
  const over = checkbox("over other cells", false, (value) => { app.settings.paintOver = value; });
  over.id = "paint-over";
  byId("options").append(size, over);
  app.showBrush = () => size.set(app.settings.brush);
}

function makeButtons(app) {
  const set = (id, paths) => byId(id).replaceChildren(icon(paths));
  set("undo", "M8 5 4 9l4 4M4 9h9a6 6 0 0 1 0 12H9");
  set("redo", "M16 5l4 4-4 4M20 9h-9a6 6 0 0 0 0 12h4");
  set("toggle-gallery", ["M4 5h7v6H4z", "M13 5h7v6h-7z", "M4 13h7v6H4z", "M13 13h7v6h-7z"]);
  set("toggle-panel", ["M4 7h9M17 7h3", "M15 5v4", "M4 16h3M11 16h9", "M9 14v4"]);
  byId("zoom").append(button("−", () => app.viewer.zoomAt(0.8), { "aria-label": "Zoom out", title: "Zoom out (−)" }),
    make("button", { type: "button", id: "zoom-value", title: "All in view (0)", "aria-label": "All in view", click: () => app.viewer.fit() }, "100 %"),
    button("+", () => app.viewer.zoomAt(1.25), { "aria-label": "Zoom in", title: "Zoom in (+)" }));
  for (const [id, name] of [["toggle-gallery", "gallery"], ["toggle-panel", "panel"]]) {
    const toggle = byId(id), narrow = matchMedia("(max-width: 70rem)");
    const set = (shown) => {
      document.body.classList.toggle(`no-${name}`, !shown);
      toggle.setAttribute("aria-expanded", shown);
    };
    set(!narrow.matches);
    narrow.addEventListener("change", () => set(!narrow.matches));
    toggle.addEventListener("click", () => set(document.body.classList.contains(`no-${name}`)));
  }
}

// Arrows go from button to button of a group, as a toolbar and tabs should.
export function roveArrows(place, back, on) {
  place.addEventListener("keydown", (event) => {
    const step = { [back]: -1, [on]: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...place.querySelectorAll("button")];
    const next = buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length];
    next.focus();
    if (next.role === "tab") next.click();
  });
}

// Names and titles of tabs → the places of their contents.
export function makeTabs(app, names) {
  const places = {};
  for (const [name, title] of names) {
    const tab = button(title, () => app.showTab(name), { role: "tab", id: `tab-${name}`, "aria-controls": `page-${name}` });
    places[name] = make("div", { role: "tabpanel", id: `page-${name}`, "aria-labelledby": `tab-${name}`, hidden: true });
    byId("tabs").append(tab);
    byId("pages").append(places[name]);
  }
  app.showTab = (shown) => {
    for (const [name] of names) {
      places[name].hidden = name !== shown;
      const tab = byId(`tab-${name}`);
      tab.setAttribute("aria-selected", name === shown);
      tab.tabIndex = name === shown ? 0 : -1;
    }
  };
  app.showTab(names[0][0]);
  roveArrows(byId("tabs"), "ArrowLeft", "ArrowRight");
  return places;
}

export function showSaved({ state, sentence = "", waiting = 0 }) {
  const place = byId("saved");
  place.dataset.state = state;
  place.textContent = {
    saved: "Saved",
    saving: "Saving …",
    lost: "The server is away. Nothing is lost.",
    away: `The server is away: ${plural(waiting, "correction")} wait${waiting === 1 ? "s" : ""} here and will be sent.`,
  }[state];
  place.title = sentence || (state === "saved" ? "Every correction is on the disk." : "");
}
