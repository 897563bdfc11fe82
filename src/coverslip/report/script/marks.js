// the rows that a person has marked → how many, and files of them: CSV and GeoJSON.

const marked = new Set();
const onMarks = [];  // who wants to hear of each change

function setMarks(chosen, isMarked) {
  for (const row of chosen) {
    if (isMarked) marked.add(row);
    else marked.delete(row);
  }
  for (const hear of onMarks) hear();
}

function toggleMark(row) {
  if (row !== null) setMarks([row], !marked.has(row));
}

function markedRows(image = null) {
  return rows.filter((row) => marked.has(row) && (image === null || data.image[row] === image));
}

// What a click on a row or a cell with shift does. `imageOf` gives the image that is open, or null.
function makeMarkBar(imageOf, extras = []) {
  const said = make("span", { role: "status" });
  const csv = button("Save CSV", "Save the marked cells as a table", () => save("marked_cells.csv", "text/csv", rowsToCsv(markedRows())));
  const geojson = button("Save GeoJSON", "Save the outlines of this image's marked cells, for QuPath", () => {
    const image = imageOf();
    save(`${plainName(image)}_marked.geojson`, "application/geo+json", rowsToGeoJson(markedRows(image), image));
  });
  const none = button("Unmark all", "Unmark all cells", () => setMarks([...marked], false));
  const host = make("p", { class: "mark-bar" }, said, ...extras, csv, geojson, none);

  function update() {
    const image = imageOf();
    const here = image === null ? 0 : markedRows(image).length;
    const all = `${marked.size} ${marked.size === 1 ? "cell" : "cells"} marked`;
    said.textContent = !marked.size ? "No cell marked: shift-click, or its box" : image === null || here === marked.size ? all : `${all}, ${here} here`;
    csv.disabled = none.disabled = !marked.size;
    geojson.hidden = image === null;
    geojson.disabled = !here;
  }

  onMarks.push(update);
  update();
  return { host, update };
}

function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

// A name of a file that any system takes.
function plainName(image) {
  return data.images[image].split(/[/\\]/).pop().replace(/[^\w.-]+/g, "_") || "image";
}

// As the whole table has them: file, frame and label, then what was measured, as the page shows it.
function rowsToCsv(chosen) {
  const head = ["file", "frame", "label", ...data.columns.map((column) => column.key)];
  const lines = chosen.map((row) => {
    const image = data.image[row];
    const path = `${data.folder}${data.files[data.file[image]]}`;
    return [harmless(path, "./"), data.frame[image], data.label[row], ...data.columns.map((column) => inCsv(column, row))];
  });
  return [head.map((name) => harmless(name, "'")), ...lines].map((line) => `${line.map(quoted).join(",")}\n`).join("");
}

function inCsv(column, row) {
  const value = column.values[row];
  if (value === null) return "";
  return column.yes ? (value ? "True" : "False") : value;
}

// What a spreadsheet would take for a formula begins with something else.
function harmless(text, before) {
  return /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) ? before + text : text;
}

function quoted(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// In pixels of the image, from the corner of the first; as exact as the outlines of the page are.
function rowsToGeoJson(chosen, image) {
  const drawing = drawingOf(image);
  const scale = data.width[image] ? data.width[image] / drawing.width : 1;
  const outlined = chosen.filter((row) => drawing.cells.has(data.label[row]));
  const features = outlined.map((row) => {
    const label = data.label[row];
    const known = data.columns.filter((column) => column.values[row] !== null);
    const measured = Object.fromEntries(known.map((column) => [column.key, column.values[row]]));
    return {
      type: "Feature",
      geometry: geometryOf(drawing.cells.get(label).d, scale),
      properties: { objectType: "detection", name: String(label), measurements: { label, ...measured } },
    };
  });
  return JSON.stringify({ type: "FeatureCollection", features });
}

// Outer rings run clockwise as seen, holes the other way.
function geometryOf(d, scale) {
  const rings = ringsOf(d).map((ring) => ring.map(([x, y]) => [x * scale, y * scale]));
  const polygons = rings.filter((ring) => areaOf(ring) > 0).map((ring) => [ring]);
  for (const hole of rings.filter((ring) => areaOf(ring) <= 0)) {
    const around = polygons.filter(([outer]) => isInside(hole[0], outer)).sort(([a], [b]) => areaOf(a) - areaOf(b));
    (around[0] || polygons[0]).push(hole);
  }
  for (const polygon of polygons) for (const ring of polygon) ring.push(ring[0]);
  return polygons.length === 1 ? { type: "Polygon", coordinates: polygons[0] } : { type: "MultiPolygon", coordinates: polygons };
}

// Twice the area, above 0 where a ring runs clockwise as seen.
function areaOf(ring) {
  return ring.reduce((sum, [x, y], i) => {
    const [toX, toY] = ring[(i + 1) % ring.length];
    return sum + x * toY - toX * y;
  }, 0);
}

// A corner that lies on an outline counts as inside of it.
function isInside([x, y], ring) {
  let odd = false;
  for (let i = 0; i < ring.length; i += 1) {
    const [[x1, y1], [x2, y2]] = [ring[i], ring[(i + 1) % ring.length]];
    if (Math.min(x1, x2) <= x && x <= Math.max(x1, x2) && Math.min(y1, y2) <= y && y <= Math.max(y1, y2) && (x1 === x2 ? x === x1 : y === y1)) return true;
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) * (x2 - x1)) / (y2 - y1)) odd = !odd;
  }
  return odd;
}
