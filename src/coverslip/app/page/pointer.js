// mouse, pen, fingers and keys on the canvas → view and tool.

import { announce, notify } from "./dom.js";
import { Held } from "./held.js";

const FAR = 6; // pixels of the screen; less than that is a click

export function connectPointer(app) {
  const { viewer } = app, { canvas } = viewer;
  const hands = { fingers: new Map(), penSeen: false, spaceHeld: false, pan: null, pressed: null, use: null, held: new Held(app) };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => onDown(app, hands, { event, at: place(event) }));
  canvas.addEventListener("pointermove", (event) => {
    const events = hands.pressed && event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const one of events.length ? events : [event]) onMove(app, hands, { event: one, at: place(one) });
  });
  canvas.addEventListener("pointerup", (event) => onUp(app, hands, { event, at: place(event) }));
  canvas.addEventListener("pointercancel", () => stop(app, hands));
  canvas.addEventListener("pointerleave", () => {
    app.hover = null;
    viewer.redraw();
  });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (!viewer.image) return;
    const lines = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey && !event.ctrlKey) viewer.pan(-event.deltaX * lines, -event.deltaY * lines);
    else viewer.zoomAt(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0018)), ...place(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => onKey(app, hands, event));
  canvas.addEventListener("keyup", (event) => {
    if (event.key === " ") hands.spaceHeld = false;
  });
  canvas.addEventListener("blur", () => { hands.spaceHeld = false; });
  app.cancelTool = () => stop(app, hands);
}

function onDown(app, hands, { event, at }) {
  const { viewer } = app;
  if (!viewer.image) return;
  if (event.pointerType === "touch" && (hands.fingers.size > 1 || hands.isPen)) return; // the hand that holds the pen
  viewer.canvas.setPointerCapture?.(event.pointerId);
  if (event.pointerType === "pen" && hands.fingers.size) stop(app, hands); // what the hand began before it
  hands.penSeen ||= event.pointerType === "pen";
  if (event.pointerType === "touch") {
    hands.fingers.set(event.pointerId, at);
    if (hands.fingers.size === 2) {
      stop(app, hands, { keepFingers: true });
      hands.pan = at;
      return;
    }
  }
  const isPan = event.button === 1 || event.button === 2 || hands.spaceHeld || (event.pointerType === "touch" && hands.penSeen);
  hands.start = at;
  if (isPan || app.tool.name === "look" || !app.editor.isOpen || app.editor.isTooMuch) {
    hands.pan = at;
    hands.click = !isPan && app.tool.name === "look";
    viewer.canvas.classList.add("grabbing");
    if (!isPan && app.tool.name !== "look") explain(app);
    return;
  }
  hands.pressed = event.pointerId;
  hands.isPen = event.pointerType === "pen";
  hands.use = hands.held.tool();
  hands.use.down(viewer.toImage(...at), optionsOf(event));
  viewer.redraw();
}

// Why nothing can be drawn now.
function explain(app) {
  if (!app.editor.isOpen) app.explainPreview();
  else notify("Zoom in to correct the cells of this large image.");
}

const optionsOf = (event) => ({ shift: event.shiftKey, pressure: event.pressure, pen: event.pointerType === "pen" });

function onMove(app, hands, { event, at }) {
  const { viewer } = app;
  if (!viewer.image) return;
  if (event.pointerType === "touch" && hands.fingers.size === 2) {
    pinch(app, hands, { event, at });
    return;
  }
  app.hover = event.pointerType === "touch" ? null : viewer.toImage(...at);
  if (hands.pan) {
    if (hands.click && Math.hypot(at[0] - hands.start[0], at[1] - hands.start[1]) < FAR) return;
    hands.click = false;
    viewer.pan(at[0] - hands.pan[0], at[1] - hands.pan[1]);
    hands.pan = at;
  } else if (hands.pressed === event.pointerId) hands.use.move(viewer.toImage(...at), optionsOf(event));
  else if (app.tool.use.draw) viewer.redraw();
  app.onHover();
}

// Two fingers move and zoom.
function pinch(app, hands, { event, at }) {
  if (!hands.fingers.has(event.pointerId)) return;
  const old = [...hands.fingers.values()];
  hands.fingers.set(event.pointerId, at);
  const now = [...hands.fingers.values()];
  const middle = (points) => [0, 1].map((axis) => (points[0][axis] + points[1][axis]) / 2);
  const apart = (points) => Math.hypot(points[0][0] - points[1][0], points[0][1] - points[1][1]);
  const [from, to] = [middle(old), middle(now)];
  app.viewer.pan(to[0] - from[0], to[1] - from[1]);
  app.viewer.zoomAt(apart(now) / Math.max(1, apart(old)), ...to);
}

function onUp(app, hands, { event, at }) {
  hands.fingers.delete(event.pointerId);
  app.viewer.canvas.classList.remove("grabbing");
  if (hands.pan) {
    if (hands.click && app.editor.store) app.tool.use.up(app.viewer.toImage(...at));
    hands.pan = null;
    hands.click = false;
  } else if (hands.pressed === event.pointerId) {
    hands.pressed = null;
    hands.isPen = false;
    hands.use.up(app.viewer.toImage(...at));
    app.viewer.redraw();
  }
}

function stop(app, hands, { keepFingers = false } = {}) {
  if (!keepFingers) hands.fingers.clear();
  hands.pressed = null;
  hands.pan = null;
  hands.click = false;
  hands.keyDown = false;
  hands.isPen = false;
  hands.held.cancel();
  app.tool.use.cancel();
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// Arrows move a cross; Enter presses and lifts the tool there.
function onKey(app, hands, event) {
  const { viewer } = app;
  if (!viewer.image || event.ctrlKey || event.metaKey) return;
  if (event.key === " ") {
    hands.spaceHeld = true;
    event.preventDefault();
  } else if (STEPS[event.key]) {
    event.preventDefault();
    moveCursor(app, hands, { step: STEPS[event.key], far: event.shiftKey });
  } else if (event.key === "Enter" && !app.editor.preview) { // else it accepts the preview
    event.preventDefault();
    press(app, hands, event);
  }
}

function moveCursor(app, hands, { step, far }) {
  const { viewer } = app, { height, width } = viewer.image;
  const old = viewer.cursor ?? middleOf(viewer);
  const length = Math.max(1, Math.round((far ? 40 : 8) / viewer.scale));
  const limit = (n, most) => Math.min(most - 1, Math.max(0, n));
  viewer.cursor = viewer.cursor ? [limit(old[0] + step[0] * length, height), limit(old[1] + step[1] * length, width)] : old;
  app.hover = null;
  viewer.reveal(...viewer.cursor);
  if (hands.keyDown) hands.use.move(centre(viewer.cursor));
  else app.editor.describe(viewer.cursor);
  viewer.redraw();
}

const centre = ([y, x]) => [y + 0.5, x + 0.5];

function middleOf(viewer) {
  const [y0, x0, y1, x1] = viewer.window();
  return [Math.floor((y0 + y1) / 2), Math.floor((x0 + x1) / 2)];
}

function press(app, hands, event) {
  const { viewer, tool } = app;
  if (!viewer.cursor) viewer.cursor = middleOf(viewer);
  if (!app.editor.isOpen || app.editor.isTooMuch) {
    explain(app);
    return;
  }
  const point = centre(viewer.cursor);
  if (!hands.keyDown) {
    hands.use = hands.held.tool();
    hands.use.down(point, { shift: event.shiftKey });
  }
  if (!tool.path || hands.keyDown) {
    hands.keyDown = false;
    hands.use.up(point);
  } else {
    hands.keyDown = true;
    announce(`${tool.title}: begun. Move with the arrows, end with Enter, give up with Escape.`);
  }
  viewer.redraw();
}
