// a tool used before the cells in view are here → the same, done as soon as they came.

import { notify } from "./dom.js";
import { drawPath } from "./marks.js";

// One press of a tool: what was asked of it is kept until it can be done.
class Press {
  constructor(app) {
    this.app = app;
    this.tool = app.tool.use;
    this.image = app.editor.image.id;
    this.frame = app.editor.frame;
    this.calls = [];
    this.isUp = false;
    this.isDone = false;
  }

  down(point, options) {
    this.ask("down", point, options);
  }

  move(point, options) {
    this.ask("move", point, options);
    this.app.viewer.redraw();
  }

  up(point) {
    this.isUp = true;
    this.ask("up", point);
    if (!this.isDone) notify("The cells of this image are still on their way. What you drew is done when they are here.");
  }

  ask(name, point, options) {
    if (this.isDone) this.tool[name](point, options);
    else this.calls.push([name, point, options]);
  }

  // Do what was asked so far; from then on the tool hears at once.
  play() {
    this.isDone = true;
    for (const [name, point, options] of this.calls) this.tool[name](point, options);
  }
}

// All presses that wait, in their order.
export class Held {
  constructor(app) {
    this.app = app;
    this.presses = [];
    app.viewer.extra.push((context, view) => this.draw(context, view));
    app.viewer.on("view", () => this.play());
    for (const name of ["open", "frame", "labels"]) app.editor.on(name, () => this.play());
  }

  // What is told of the pen: the tool itself, or one that keeps what it hears.
  tool() {
    if (this.app.editor.isLoaded) return this.app.tool.use;
    this.presses.push(new Press(this.app));
    return this.presses[this.presses.length - 1];
  }

  play() {
    const { editor, viewer } = this.app;
    const isHere = ({ image, frame }) => image === editor.image?.id && frame === editor.frame;
    const left = this.presses.filter((press) => !isHere(press));
    if (left.length) notify("You left before the cells were here: what you had drawn by then was not kept.", { error: true });
    this.presses = this.presses.filter(isHere);
    if (!this.presses.length || !editor.isOpen || !editor.isLoaded) return;
    for (const press of this.presses.splice(0)) press.play();
    viewer.redraw();
  }

  // Give up the press that is not over.
  cancel() {
    this.presses = this.presses.filter((press) => press.isUp);
  }

  draw(context, view) {
    for (const { calls } of this.presses) drawPath(context, view, calls.map(([, point]) => point));
  }
}
