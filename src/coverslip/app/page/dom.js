// names and attributes → elements; a sentence → what is shown and read aloud. Text is never markup.

export const byId = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function button(text, onClick, attributes = {}) {
  return make("button", { type: "button", click: onClick, ...attributes }, text);
}

const SVG = "http://www.w3.org/2000/svg";

// A drawing of 24 × 24 by the paths of an icon.
export function icon(paths) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  for (const d of [paths].flat()) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// A slider with its name and its value in words; `show` turns the number into them.
export function slider({ label, min, max, step, value, show, onInput, title }) {
  const output = make("output", {}, show(value));
  const input = make("input", {
    type: "range", min, max, step, value, "aria-label": label, title, "aria-valuetext": show(value),
    input: () => {
      setText(Number(input.value));
      onInput(Number(input.value));
    },
  });
  const setText = (number) => {
    output.textContent = show(number);
    input.setAttribute("aria-valuetext", show(number));
  };
  const row = make("label", { class: "slider", title }, make("span", {}, label), output, input);
  row.set = (number) => {
    input.value = number;
    setText(number);
  };
  row.input = input;
  return row;
}

export function checkbox(label, checked, onChange) {
  const input = make("input", { type: "checkbox", checked, change: () => onChange(input.checked) });
  const row = make("label", { class: "check" }, input, label);
  row.set = (value) => { input.checked = value; };
  return row;
}

// A choice of one: entries are [value, text].
export function choice(label, entries, value, onChange) {
  const select = make("select", { "aria-label": label, change: () => onChange(select.value) });
  const row = make("label", { class: "choice" }, make("span", {}, label), select);
  row.fill = (list, chosen) => {
    select.replaceChildren(...list.map(([name, text]) => make("option", { value: name }, text)));
    if (chosen !== null && chosen !== undefined) select.value = chosen;
  };
  row.select = select;
  row.fill(entries, value);
  return row;
}

// A short sentence at the foot of the window, also read aloud; an error stays until it is closed.
export function notify(text, { error = false } = {}) {
  const place = byId("notes");
  for (const old of place.children) if (old.dataset.text === text) old.remove();
  const note = make("div", { class: error ? "note error" : "note", role: error ? "alert" : "status", "data-text": text },
    make("span", {}, text),
    button("×", () => note.remove(), { "aria-label": "Close this message", class: "quiet" }));
  place.append(note);
  while (place.children.length > 4) place.firstChild.remove();
  setTimeout(() => note.remove(), error ? 20000 : 5000);
}

export function announce(text) {
  byId("spoken").textContent = text;
}

export const plural = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s left`;
  return `${Math.round(seconds / 60)} min left`;
}

// Something that others listen to.
export class Emitter extends EventTarget {
  emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  on(name, listener) {
    this.addEventListener(name, (event) => listener(event.detail));
    return this;
  }
}
