// the page's data block → rows of cells. A row is its index into all columns.

const data = JSON.parse(document.getElementById("data").textContent);
const rows = data.label.map((_, row) => row);

const CELL = { name: "Cell", unit: "", decimals: 0, values: data.label };
const IMAGE = { name: "Image", unit: "", text: true, values: data.image };

function show(column, row) {
  const value = column.values[row];
  if (column.text) return data.images[value];
  if (value === null) return "–";
  if (column.yes) return value ? "yes" : "no";
  return value.toFixed(column.decimals);
}

function heading(column) {
  return column.unit ? `${column.name} (${column.unit})` : column.name;
}

// Missing values come last, whichever way the others go; equal ones keep their order.
function sorted(chosen, column, descending) {
  const sign = descending ? -1 : 1;
  const { values } = column;
  return chosen.slice().sort((a, b) => {
    if (values[a] === null || values[b] === null) {
      return (values[a] === null) - (values[b] === null) || a - b;
    }
    return sign * (values[a] - values[b]) || a - b;
  });
}

function rowsOfImage(image) {
  return rows.filter((row) => data.image[row] === image);
}

// The images of a film, in order; of a single image, itself.
function filmOf(image, images) {
  return images.filter((other) => data.file[other] === data.file[image]);
}

// What a card shows: its picture and the outline of each cell, by the cell's number.
const drawings = new Map();

function drawingOf(image) {
  if (!drawings.has(image)) drawings.set(image, readDrawing(document.getElementById(`view-${image}`)));
  return drawings.get(image);
}

function readDrawing(view) {
  const img = view && view.querySelector("img");
  if (!img) return null;
  const lines = view.querySelector("svg.outlines");
  const own = { width: Number(img.getAttribute("width")), height: Number(img.getAttribute("height")) };
  const box = lines ? lines.viewBox.baseVal : own;  // not as it is laid out on its card
  const cells = new Map();
  for (const path of lines ? lines.querySelectorAll("path[data-cells]") : []) {
    const outlines = path.getAttribute("d").split("M").slice(1);
    path.dataset.cells.split(" ").forEach((cell, i) => {
      cells.set(Number(cell), { d: `M${outlines[i]}`, colour: path.getAttribute("class") });
    });
  }
  const names = view.dataset.channels ? view.dataset.channels.split("\n") : [];
  return { url: img.src, width: box.width, height: box.height, pixels: own.width, names, nShown: Number(view.dataset.stained || 0), cells };
}

// The corners of an outline, ring by ring: its path is one absolute point, then relative steps.
function ringsOf(d) {
  const rings = [];
  let [x, y] = [0, 0];
  for (const step of d.match(/[Mmhv][^Mmhvz]*/g)) {
    const [first, second = 0] = step.slice(1).split(" ").map(Number);
    // After a ring's end, the next begins from where that one began.
    if (step[0] === "m") [x, y] = rings[rings.length - 1][0];
    if (step[0] === "M" || step[0] === "m") rings.push([]);
    if (step[0] === "v") y += first;
    else x += first;
    y += second;
    rings[rings.length - 1].push([x, y]);
  }
  return rings;
}

function boxOf(d) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const ring of ringsOf(d)) {
    for (const [x, y] of ring) {
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}
