// one image's cells → the column beside the picture: what is pointed at, and a short table.

const KEYS = [
  ["Zoom", "wheel, pinch, + −"],
  ["Whole image", "0"],
  ["Next cell", "↓ ↑"],
  ["Next image or frame", "→ ←"],
  ["Play a film", "space"],
  ["Mark the cell", "M, shift-click"],
  ["Outlines, fill", "O, F"],
  ["Contrast", "C"],
];

function makePanel({ onPick, onHover, look, markBar }) {
  const title = make("h2", { id: "viewer-title", tabindex: -1 });
  const about = make("p", { class: "about" });
  const cell = make("h3");
  const facts = make("dl", { class: "cell-facts" });
  const measured = make("div", { class: "measured", "aria-live": "polite" }, cell, facts);
  const columns = [CELL, ...shortColumns()];
  const table = makeTable({ columns, perPage: 200, caption: "Cells of this image", onPick, onHover });
  const host = make("aside", {}, title, about, look, measured, markBar, table.host);
  let known = [];  // the columns that this image has a value of

  function open(image, position) {
    const chosen = rowsOfImage(image);
    title.replaceChildren(...breakable(data.images[image]));
    about.textContent = `${position} · ${chosen.length} ${chosen.length === 1 ? "cell" : "cells"}`;
    known = data.columns.filter((column) => chosen.some((row) => column.values[row] !== null));
    table.setRows(chosen);
    host.scrollTop = 0;
    describe(null, null);
  }

  // `number` is that of a cell in the picture, `row` its row of the table if the page has it.
  function describe(number, row) {
    cell.textContent = number === null ? "Point at a cell" : `Cell ${number}`;
    facts.classList.toggle("keys", number === null);
    facts.replaceChildren(...pairs(number, row).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  }

  function pairs(number, row) {
    if (number === null) return KEYS;
    if (row === null) return [["Measurements", "in the file of all cells"]];
    return known.map((column) => [column.name, `${show(column, row)} ${column.unit}`.trim()]);
  }

  return { host, title, open, describe, mark: table.mark, neighbour: table.neighbour };
}

// Those that the page calls main, and others until there are three: the panel is narrow.
function shortColumns() {
  const main = data.columns.filter((column) => column.main);
  const others = data.columns.filter((column) => !column.main && !column.yes);
  return [...main, ...others].slice(0, 3);
}
