// all cells → their table, with a choice of image, of a range, and of columns.

const PER_PAGE = 50;
const USUAL_COLUMNS = 10;  // of a table that has more, the others can be chosen

function showCells(viewer) {
  const host = document.getElementById("cell-table");
  if (!host || !rows.length) return null;
  const several = data.images.length > 1;
  const columns = [CELL, ...(several ? [IMAGE] : []), ...data.columns];
  const table = makeTable({ columns, perPage: PER_PAGE, caption: "All cells", onPick: open });
  const wanted = { image: null, column: null, low: -Infinity, high: Infinity };

  function open(row, withShift) {
    if (withShift) return void toggleMark(row);
    table.mark(row);
    if (drawingOf(data.image[row])) viewer.openCell(row);
  }

  function choose(changes) {
    Object.assign(wanted, changes);
    table.setRows(rows.filter((row) => isWanted(row, wanted)));
    if ("image" in changes) showImageBars(wanted.image);
  }

  const all = button("Mark these", "Mark all cells of the table below", () => setMarks(table.rowsInOrder(), true));
  host.append(rangeForm(choose), columnMenu(columns, table), makeMarkBar(() => null, [all]).host, table.host);
  host.hidden = false;
  if (several) {
    const place = document.getElementById("choose-image");
    const entries = [["", "all images"], ...data.images.map((name, image) => [image, name])];
    const key = make("span", { class: "key", hidden: "" }, "this image, drawn as tall as all images (pale)");
    place.append(choice("Cells of", entries, (value) => {
      key.hidden = value === "";
      choose({ image: value === "" ? null : Number(value) });
    }), key);
    place.hidden = false;
  }
  table.setRows(rows);
  return table;
}

// Which columns are shown: of many, first the main ones.
function columnMenu(columns, table) {
  const fixed = columns.length - data.columns.length;
  const usual = data.columns.slice(0, USUAL_COLUMNS);
  const chosen = new Set(usual);
  const summary = make("summary");
  const boxes = data.columns.map((column) => {
    const box = make("input", { type: "checkbox", change: () => { chosen[box.checked ? "add" : "delete"](column); update(); } });
    return [column, box, make("label", {}, box, ` ${heading(column)}`)];
  });

  function choose(wanted) {
    chosen.clear();
    for (const column of wanted) chosen.add(column);
    update();
  }

  function update() {
    for (const [column, box] of boxes) box.checked = chosen.has(column);
    summary.textContent = `Columns: ${chosen.size} of ${data.columns.length}`;
    table.setColumns([...columns.slice(0, fixed), ...data.columns.filter((column) => chosen.has(column))]);
  }

  update();
  const host = make("details", { class: "columns" }, summary,
    make("p", { class: "choose" }, button("All", "All columns", () => choose(data.columns)), button("Usual", "The first columns", () => choose(usual))),
    make("div", { class: "boxes", role: "group", "aria-label": "Columns" }, ...boxes.map(([, , label]) => label)));
  host.hidden = data.columns.length <= 1;
  return host;
}

function isWanted(row, { image, column, low, high }) {
  if (image !== null && data.image[row] !== image) return false;
  if (!column) return true;
  const value = column.values[row];
  return value !== null && value >= low && value <= high;
}

// Only the cells whose value of a column lies from … to …; an empty field is no limit.
function rangeForm(choose) {
  const entries = [["", "any value"], ...data.columns.map((column, i) => [i, heading(column)])];
  const [low, high] = ["From", "To"].map((name) => make("input", {
    type: "number", step: "any", "aria-label": name, placeholder: name.toLowerCase(), disabled: "", input: update,
  }));
  const column = choice("Only those with", entries, update);

  function update() {
    const { value } = column.querySelector("select");
    low.disabled = high.disabled = value === "";
    const limit = (field, otherwise) => (field.value === "" ? otherwise : Number(field.value));
    choose({
      column: value === "" ? null : data.columns[Number(value)],
      low: limit(low, -Infinity),
      high: limit(high, Infinity),
    });
  }

  return make("form", { class: "choose", submit: (event) => event.preventDefault() }, column, low, high);
}

// One image's cells in front of the bars of all, its own tallest bar as high as the tallest of all.
function showImageBars(image) {
  for (const figure of document.querySelectorAll(".histogram")) {
    const group = figure.querySelector(".bars");
    const bars = [...group.querySelectorAll("rect")].filter((bar) => !bar.classList.contains("one"));
    group.querySelectorAll(".one").forEach((bar) => bar.remove());
    group.classList.toggle("behind", image !== null);
    if (image === null) continue;
    const counts = countInBars(figure, image, bars.length);
    const height = Math.max(...bars.map((bar) => Number(bar.getAttribute("height")))) / Math.max(1, ...counts);
    group.append(...bars.map((bar, i) => imageBar(bar, counts[i], height)));
  }
}

function countInBars(figure, image, n) {
  const edges = figure.dataset.edges.split(" ").map(Number);
  const { values } = data.columns[Number(figure.dataset.column)];
  const counts = new Array(n).fill(0);
  for (const row of rowsOfImage(image)) {
    if (values[row] === null) continue;
    const bar = Math.floor((values[row] - edges[0]) / (edges[1] - edges[0]));
    counts[Math.min(Math.max(bar, 0), n - 1)] += 1;
  }
  return counts;
}

function imageBar(bar, count, height) {
  const [x, width] = [bar.getAttribute("x"), bar.getAttribute("width")];
  const floor = Number(bar.getAttribute("y")) + Number(bar.getAttribute("height"));
  const range = bar.querySelector("title").textContent.split(":")[0];
  const tip = makeSvg("title", {}, `${range}: ${count} in this image`);
  return makeSvg("rect", { class: "one", x, width, y: floor - count * height, height: count * height }, tip);
}
