// the page as it was sent → the app: its parts are made here and told of one another.

import { Away, getJson } from "./api.js";
import { announce, byId, notify, plural } from "./dom.js";
import { Editor } from "./editor.js";
import { Film } from "./film.js";
import { Gallery, STATES } from "./gallery.js";
import { Jobs } from "./jobs.js";
import { connectKeys, fillHelp } from "./keys.js";
import { Outbox } from "./outbox.js";
import { connectPointer } from "./pointer.js";
import { explainPreview, SegmentPanel } from "./segment_panel.js";
import { TrackPanel } from "./track_panel.js";
import { Tracks } from "./tracks.js";
import { fetchModels, TrainPanel } from "./train_panel.js";
import { makeTabs, makeToolbar, showSaved } from "./toolbar.js";
import { ViewPanel } from "./view_panel.js";
import { Viewer } from "./viewer.js";

async function start() {
  let folder;
  try {
    folder = await getJson("/api/folder");
  } catch (error) {
    showEmpty(error.message);
    if (error instanceof Away) setTimeout(start, 2000);
    return;
  }
  byId("empty").hidden = true;
  const app = makeApp(folder);
  window.coverslip = app; // for the console, and for tests
  await Promise.all([app.gallery.refresh(), app.loadModels()]);
  app.jobs.connect();
  for (const note of folder.notes ?? []) notify(note);
  const wanted = new URLSearchParams(location.hash.slice(1)).get("image");
  const first = app.gallery.images.find(({ id }) => id === wanted) ?? app.gallery.images[0];
  if (first) await app.open(first.id);
  else showEmpty("There is no image in this folder.");
  app.outbox.adopt();
  document.body.classList.add("ready");
}

function showEmpty(text) {
  byId("empty").hidden = false;
  byId("empty").textContent = text;
}

function makeApp(folder) {
  const viewer = new Viewer(byId("canvas")), outbox = new Outbox(folder.folder);
  const editor = new Editor({ viewer, outbox });
  const app = { viewer, outbox, editor, hover: null, settings: { brush: 12, paintOver: false } };
  app.gallery = new Gallery(byId("gallery"));
  app.jobs = new Jobs();
  app.tracks = new Tracks(app);
  addActs(app);
  app.film = new Film(app);
  makeToolbar(app);
  const places = makeTabs(app, [["segment", "Segment"], ["train", "Train"], ["tracks", "Tracks"], ["view", "View"]]);
  app.view = new ViewPanel(app, places.view);
  app.segment = new SegmentPanel(app, places.segment);
  app.train = new TrainPanel(app, places.train);
  app.trackPanel = new TrackPanel(app, places.tracks, app.trackButtons);
  connectPointer(app);
  connectKeys(app);
  fillHelp(app);
  connectEvents(app);
  app.useTool("look");
  return app;
}

// What buttons and keys do.
function addActs(app) {
  const { viewer, editor } = app;
  app.select = (labels) => {
    if (!labels.length && !viewer.overlay.look.selected.size) return;
    viewer.overlay.select(labels);
    viewer.redraw();
  };
  app.open = async (id, frame = 0) => {
    const entry = app.gallery.entry(id);
    app.gallery.choose(id);
    app.film.stop();
    app.cancelTool();
    if (entry?.error) notify(entry.error, { error: true });
    const opened = !entry?.error && await editor.open(id, frame);
    byId("empty").hidden = opened || Boolean(editor.image);
    return opened;
  };
  app.goImage = (step) => {
    const id = app.gallery.neighbour(step);
    if (id) return app.open(id);
    notify(step > 0 ? "This is the last image." : "This is the first image.");
    return null;
  };
  app.setBrush = (size) => {
    app.settings.brush = Math.round(Math.min(200, Math.max(1, size)));
    app.showBrush();
    viewer.redraw();
  };
  app.preview = () => {
    app.showTab("segment");
    return app.segment.look();
  };
  app.explainPreview = explainPreview;
  app.isFinished = () => (editor.image?.finished?.frames ?? []).includes(editor.frame);
  app.toggleFinished = async () => {
    const finished = !app.isFinished();
    await editor.finish({ finished });
    announce(finished ? "This frame is finished: it will be learnt from." : "Not finished.");
  };
  app.escape = () => {
    if (editor.preview) editor.dropPreview();
    app.cancelTool();
    app.select([]);
  };
  app.loadModels = async ({ use = null } = {}) => {
    try {
      const models = await fetchModels();
      const chosen = use ?? app.gallery.folder?.model ?? models.find((model) => model.default)?.name;
      app.segment.fillModels(models, chosen);
      if (use) app.segment.use(use);
      const inUse = use ?? app.segment.settings.model;
      app.train.fillModels(models, models.some(({ name }) => name === inUse) ? inUse : models.find((model) => model.default)?.name ?? models[0]?.name);
    } catch (error) {
      if (error.status !== 404) notify(error.message, { error: true });
    }
  };
  app.onHover = () => {
    const { hover } = app;
    if (!hover || !editor.store) return;
    const [y, x] = hover.map(Math.floor), label = editor.labelAt(hover), inside = y >= 0 && x >= 0 && y < editor.image.height && x < editor.image.width;
    byId("under").textContent = inside ? `${label ? `cell ${label} · ` : ""}${x}, ${y}` : "";
  };
}

function connectEvents(app) {
  const { editor, gallery, jobs, outbox, viewer } = app;
  gallery.on("choose", (id) => app.open(id));
  gallery.on("updated", () => showTitle(app));
  for (const name of ["open", "frame", "finished", "labels"]) editor.on(name, () => showTitle(app));
  editor.on("open", ({ image }) => {
    gallery.choose(image.id);
    history.replaceState(null, "", `#image=${image.id}`);
    byId("empty").hidden = true;
  });
  editor.on("cells", (reply) => gallery.update(reply));
  editor.on("partial", (partial) => {
    byId("banner").hidden = !partial;
    byId("banner").textContent = partial ? "Zoom in to see the cells of this large image." : "";
  });
  outbox.on("state", (state) => showSaved(state));
  app.missed = [];
  outbox.on("state", () => outbox.entries.length || app.missed.splice(0).forEach((edit) => hearEdit(app, edit)));
  showSaved({ state: outbox.state, waiting: outbox.entries.length });
  jobs.on("edit", (edit) => hearEdit(app, edit));
  jobs.on("images", () => renew(app));
  jobs.on("ended", () => renew(app));
  jobs.on("back", () => {
    outbox.wake?.();
    renew(app);
  });
  jobs.on("lost", () => outbox.state === "saved" && showSaved({ state: "lost" }));
  for (const [id, act] of [["undo", () => editor.undo()], ["redo", () => editor.redo()], ["finished", app.toggleFinished],
    ["previous", () => app.goImage(-1)], ["next", () => app.goImage(1)], ["show-help", () => byId("help").showModal()],
    ["close-help", () => byId("help").close()]]) byId(id).addEventListener("click", act);
  window.addEventListener("beforeunload", (event) => outbox.entries.length && event.preventDefault());
  viewer.on("view", () => showZoom(app));
}

// Another tab changed something: its window is fetched, and drawn under what is drawn here.
async function hearEdit(app, edit) {
  const { editor, gallery, outbox } = app;
  if (edit.id && outbox.own.has(edit.id)) return;
  gallery.update(edit);
  if (editor.image?.id !== edit.image || editor.frame !== edit.frame) return;
  if (outbox.entries.length || editor.drawing) app.missed.push(edit); // until what is drawn here is kept
  else if (edit.labels) await editor.apply(edit);
  else if (edit.window) await editor.fetchWindow(edit.window);
}

async function renew(app) {
  await app.gallery.refresh();
  if (!app.outbox.entries.length) await app.editor.reload().catch((error) => app.editor.tell(error));
  await app.tracks.load();
  showSaved({ state: app.outbox.state, waiting: app.outbox.entries.length });
}

function showTitle(app) {
  const { image } = app.editor, entry = app.gallery.entry(image?.id);
  if (!image) return;
  document.title = `${image.name} · coverslip`;
  byId("image-name").textContent = image.name;
  const cells = entry?.cells ?? null;
  const size = `${image.width.toLocaleString("en")} × ${image.height.toLocaleString("en")} px`;
  const found = entry && (cells || entry.state !== "new") ? (cells === null ? null : plural(cells, "cell")) : null;
  byId("image-facts").textContent = [found, STATES[entry?.state], size].filter(Boolean).join(" · ");
  byId("finished").setAttribute("aria-pressed", app.isFinished());
}

function showZoom(app) {
  byId("zoom-value").textContent = `${Math.round(app.viewer.scale * 100)} %`;
}

start();
