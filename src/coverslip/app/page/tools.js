// pen down, moves, up → corrections. Each tool has its key, its name and one sentence of help.

import { announce, notify } from "./dom.js";
import { drawCircle, drawPath } from "./marks.js";
import { labelsAlong, labelsInside, Stroke, thin } from "./strokes.js";

// A tool that collects the way of the pen and does something with it at its end.
class PathTool {
  constructor(app) {
    this.app = app;
    this.points = [];
  }

  down(point) {
    this.points = [point];
  }

  move(point) {
    this.points.push(point);
    this.app.viewer.redraw();
  }

  up() {
    const points = thin(this.points);
    this.points = [];
    this.app.viewer.redraw();
    this.done(points);
  }

  cancel() {
    this.points = [];
    this.app.select([]);
    this.app.viewer.redraw();
  }

  draw(context, view) {
    drawPath(context, view, this.points, { closed: this.closed });
  }
}

class Look {
  down() {}

  move() {}

  up(point) {
    const label = this.app.editor.labelAt(point);
    this.app.select(label ? [label] : []);
    this.app.editor.describe(point);
  }

  constructor(app) {
    this.app = app;
  }

  cancel() {
    this.app.select([]);
  }
}

class Pen {
  constructor(app, { erases }) {
    this.app = app;
    this.isEraser = erases;
    this.stroke = null;
  }

  down(point, { shift = false, pressure = 0.5, pen = false } = {}) {
    const { editor } = this.app, on = editor.labelAt(point);
    this.made = this.isEraser || (on && !shift) ? null : editor.nextLabel++;
    const label = this.isEraser ? 0 : this.made ?? on;
    const over = this.app.settings.paintOver;
    this.stroke = new Stroke(editor.store, { label, erases: on || null, over, radius: this.radius(pen, pressure) });
    editor.penDown();
    this.move(point, { pen, pressure });
  }

  // A pen's pressure makes it broader or finer.
  radius(pen, pressure) {
    const radius = this.app.settings.brush / 2;
    return pen ? radius * (0.4 + 1.2 * pressure) : radius;
  }

  move(point, { pen = false, pressure = 0.5 } = {}) {
    const window = this.stroke.moveTo(point, this.radius(pen, pressure));
    if (window) this.app.editor.drawn(window);
  }

  up() {
    const patch = this.stroke.patch();
    this.stroke = null;
    if (patch) this.app.editor.sendPatch(patch, this.made);
    this.app.editor.penUp();
  }

  // What was drawn so far is taken back.
  cancel() {
    if (!this.stroke) return;
    this.stroke = null;
    this.app.editor.penUp();
    this.app.editor.reload();
  }

  draw(context, view) {
    const place = this.app.hover ?? view.cursor?.map((n) => n + 0.5);
    if (place) drawCircle(context, view, place, this.app.settings.brush / 2, { dashed: this.isEraser });
  }
}

class Outline extends PathTool {
  closed = true;

  done(points) {
    if (points.length < 3) return notify("Draw a closed line around the cell: press, go around it, let go.");
    const label = this.app.editor.labelAt(points[0]) || null;
    return this.app.editor.send({ kind: "outline", points, label });
  }
}

class Fill {
  constructor(app) {
    this.app = app;
  }

  down() {}

  move() {}

  cancel() {}

  up(point) {
    const label = this.app.editor.labelAt(point);
    if (label) this.app.editor.send({ kind: "fill", label });
    else notify("There is no cell here. Click into a cell to fill its holes.");
  }
}

// Cells under the pen's way are marked, and at its end deleted.
class Delete extends PathTool {
  move(point) {
    super.move(point);
    this.app.select([...labelsAlong(this.app.editor.store, this.points).keys()]);
  }

  done(points) {
    const labels = [...labelsAlong(this.app.editor.store, points).keys()];
    this.app.select([]);
    if (labels.length) this.app.editor.send({ kind: "delete", labels });
  }

  draw() {}
}

class Lasso extends PathTool {
  closed = true;

  done(points) {
    if (points.length < 3) return;
    const { editor, viewer } = this.app;
    const labels = labelsInside(editor.store, points, viewer.window());
    if (labels.length) editor.send({ kind: "delete", labels });
    else notify("No cell lies in the lasso.");
  }
}

// Two clicks, or one way across: all cells on it become one.
class Merge extends PathTool {
  first = 0;

  move(point) {
    super.move(point);
    this.app.select([this.first, ...labelsAlong(this.app.editor.store, this.points).keys()].filter(Boolean));
  }

  done(points) {
    const passed = [...labelsAlong(this.app.editor.store, points).keys()];
    const labels = [...new Set([this.first, ...passed])].filter(Boolean);
    this.first = 0;
    this.app.select([]);
    if (labels.length > 1) return this.app.editor.send({ kind: "merge", labels });
    this.first = labels[0] || 0;
    this.app.select(this.first ? [this.first] : []);
    return announce(this.first ? `Cell ${this.first} chosen. Now choose the one to merge with it.` : "No cell here.");
  }

  cancel() {
    this.first = 0;
    super.cancel();
  }
}

class Split extends PathTool {
  done(points) {
    const line = points.length > 1 ? points : [];
    const [best] = [...labelsAlong(this.app.editor.store, line)].sort((a, b) => b[1] - a[1]);
    if (best) this.app.editor.send({ kind: "split", label: best[0], line });
    else notify("Draw a line across a cell to part it.");
  }
}

class Magic {
  constructor(app) {
    this.app = app;
  }

  down() {}

  move() {}

  cancel() {}

  up(point) {
    if (this.app.editor.labelAt(point)) return notify("There is a cell here already. Click one that was missed.");
    return this.app.editor.send({ kind: "magic", point: point.map(Math.floor) });
  }
}

// A part of the image in which every cell is right: the training learns from it alone.
class Finished extends PathTool {
  done(points) {
    if (points.length < 2) return notify("Draw from one corner to the other of what is finished.");
    const { image, frame } = this.app.editor, end = points[points.length - 1];
    const [ys, xs] = [0, 1].map((axis) => [points[0][axis], end[axis]].sort((a, b) => a - b));
    const made = [Math.max(0, Math.floor(ys[0])), Math.max(0, Math.floor(xs[0])), Math.min(image.height, Math.ceil(ys[1])), Math.min(image.width, Math.ceil(xs[1]))];
    const old = (image.finished?.rectangles || []).filter(([at]) => at === frame).map((place) => place.slice(1));
    return this.app.editor.finish({ rectangles: [...old, made], finished: true });
  }

  draw(context, view) {
    if (this.points.length < 2) return;
    const [a, b] = [this.points[0], this.points[this.points.length - 1]];
    drawPath(context, view, [a, [a[0], b[1]], b, [b[0], a[1]]], { closed: true, colour: "#3fd39a" });
  }
}

export const TOOLS = [
  { name: "look", key: "v", title: "Look", help: "Drag to move the image, turn the wheel to zoom. A click tells which cell it is.", make: (app) => new Look(app) },
  { name: "brush", path: true, key: "b", title: "Brush", help: "Begin on a cell to make it larger, beside one (or with Shift) for a new cell.", make: (app) => new Pen(app, { erases: false }) },
  { name: "erase", path: true, key: "e", title: "Eraser", help: "Begin on a cell to take away part of that cell alone, beside one to erase all.", make: (app) => new Pen(app, { erases: true }) },
  { name: "outline", path: true, key: "d", title: "Draw outline", help: "Draw around a cell. Begun inside a cell, it becomes part of it.", make: (app) => new Outline(app) },
  { name: "magic", key: "a", title: "Magic", help: "Click a cell that was missed: the model's own maps propose it.", make: (app) => new Magic(app) },
  { name: "fill", key: "f", title: "Fill holes", help: "Click a cell to fill its holes.", make: (app) => new Fill(app) },
  { name: "merge", path: true, key: "m", title: "Merge", help: "Click two cells, or draw a line across all that are one.", make: (app) => new Merge(app) },
  { name: "split", path: true, key: "s", title: "Split", help: "Draw a line across a cell: it is parted there.", make: (app) => new Split(app) },
  { name: "delete", path: true, key: "x", title: "Delete", help: "Click a cell, or draw over several.", make: (app) => new Delete(app) },
  { name: "lasso", path: true, key: "l", title: "Lasso delete", help: "Draw around cells: all that lie within are deleted.", make: (app) => new Lasso(app) },
  { name: "rectangle", path: true, key: "r", title: "Finished part", help: "Draw a rectangle in which every cell is right. The training learns from it alone.", make: (app) => new Finished(app) },
];
