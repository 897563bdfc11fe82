// names and attributes → elements. Text is always set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function makeSvg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// A name that breaks, where it must, after its underscores, hyphens and slashes.
function breakable(name) {
  const parts = name.match(/[^_/-]*[_/-]|[^_/-]+$/g) || [];
  return parts.flatMap((part, i) => (i ? [make("wbr"), part] : [part]));
}

function button(text, title, onClick) {
  return make("button", { type: "button", title, "aria-label": title, click: onClick }, text);
}

// A choice of one: entries are [value, text].
function choice(label, entries, onChange) {
  const select = make("select", { change: () => onChange(select.value) });
  for (const [value, text] of entries) select.append(make("option", { value }, text));
  return make("label", {}, `${label} `, select);
}
