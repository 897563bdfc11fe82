// keys → what they do; and the page of them that `?` shows.

import { byId, make } from "./dom.js";
import { TOOLS } from "./tools.js";
import { TRACK_TOOLS } from "./tracks.js";

// [keys as they are shown, what they do, the test of an event, the act]
export function commandsOf(app) {
  const on = (key, more = {}) => (event) => event.key.toLowerCase() === key && Boolean(event.ctrlKey || event.metaKey) === Boolean(more.ctrl)
    && (more.shift === undefined || event.shiftKey === more.shift);
  const { editor, viewer, film, view } = app;
  return [
    ["Image", [
      ["Page Down, Page Up", "Next, previous image", on("pagedown"), () => app.goImage(1)],
      ["", "", on("pageup"), () => app.goImage(-1)],
      [". ,", "Next, previous frame", on("."), () => film.step(1)],
      ["", "", on(","), () => film.step(-1)],
      ["+ − 0", "Zoom in, out, all in view", on("+"), () => viewer.zoomAt(1.25)],
      ["", "", on("="), () => viewer.zoomAt(1.25)],
      ["", "", on("-"), () => viewer.zoomAt(0.8)],
      ["", "", on("0"), () => viewer.fit()],
      ["H", "Hide and show cells", on("h"), () => view.toggle("labels")],
      ["O", "Outlines", on("o"), () => view.toggle("outlines")],
      ["G", "Grid", on("g"), () => view.toggle("grid")],
    ]],
    ["Correct", [
      ["Z, Ctrl+Z", "Undo", on("z", { shift: false }), () => editor.undo()],
      ["", "", on("z", { ctrl: true, shift: false }), () => editor.undo()],
      ["Shift+Z, Ctrl+Y", "Do again", on("z", { shift: true }), () => editor.redo()],
      ["", "", on("z", { ctrl: true, shift: true }), () => editor.redo()],
      ["", "", on("y", { ctrl: true }), () => editor.redo()],
      ["[ ]", "Smaller, larger brush", on("["), () => app.setBrush(app.settings.brush - Math.max(1, app.settings.brush * 0.15))],
      ["", "", on("]"), () => app.setBrush(app.settings.brush + Math.max(1, app.settings.brush * 0.15))],
      ["T", "Finished: every cell of this frame is right", on("t"), () => app.toggleFinished()],
    ]],
    ["Find", [
      ["P", "Preview with the present model", on("p"), () => app.preview()],
      ["Enter, Escape", "Accept, discard a preview", (event) => event.key === "Enter" && Boolean(editor.preview), () => app.segment.acceptPreview()],
      ["J, Shift+J", "Next, previous suspicious event of a film", on("j", { shift: false }), () => app.tracks.next(1)],
      ["", "", on("j", { shift: true }), () => app.tracks.next(-1)],
      ["?", "This page", on("?"), () => byId("help").showModal()],
    ]],
  ];
}

export function connectKeys(app) {
  const commands = commandsOf(app).flatMap(([, list]) => list);
  const tools = [...TOOLS, ...TRACK_TOOLS];
  document.addEventListener("keydown", (event) => {
    if (byId("help").open || event.defaultPrevented || event.altKey) return;
    const isField = /^(INPUT|SELECT|TEXTAREA|BUTTON|SUMMARY)$/.test(event.target.tagName);
    if (isField && event.target.matches("select, input[type=text], input[type=number]")) return;
    if (isField && event.key === "Enter") return;
    if (isField && event.target.type === "range" && /^(Page|Arrow|Home|End)/.test(event.key)) return;
    if (event.key === "Escape") {
      app.escape();
      return;
    }
    const command = commands.find(([, , test]) => test(event));
    const tool = !command && !event.ctrlKey && !event.metaKey && tools.find(({ key }) => key === event.key.toLowerCase());
    if (!command && !tool) return;
    event.preventDefault();
    if (command) command[3]();
    else app.useTool(tool.name);
  });
}

const keysOf = (text) => text.split(/(, | )/).map((part) => (/^(, | )$/.test(part) ? part : make("kbd", {}, part)));

export function fillHelp(app) {
  const section = (title, rows) => make("section", {}, make("h3", {}, title), make("dl", {}, ...rows.flatMap(([keys, text]) => [
    make("dt", {}, ...(keys.length > 8 && !keys.includes(",") ? [make("kbd", {}, keys)] : keysOf(keys))), make("dd", {}, text)])));
  const toolRows = (list) => list.map(({ key, title, help }) => [key.toUpperCase(), `${title}. ${help}`]);
  byId("help-keys").replaceChildren(
    section("Tools", toolRows(TOOLS)), section("Tools for tracks", toolRows(TRACK_TOOLS)),
    ...commandsOf(app).map(([title, list]) => section(title, list.filter(([keys]) => keys))),
    section("Without a mouse", [
      ["Tab", "From one control to the next; the image is one of them."],
      ["← ↑ → ↓", "On the image: move a cross; with Shift in large steps. What lies under it is read aloud."],
      ["Enter", "On the image: press the tool there; again: let go. Escape gives up."],
      ["Space", "Held: drag the image with any tool."]]));
}
