// the cells that the model is least sure of → small pictures that open the viewer.

function showDoubts(viewer) {
  const section = document.getElementById("doubt");
  const column = data.columns.find((each) => each.doubt);
  if (!column) return;
  const known = rows.filter((row) => column.values[row] !== null && outlineOf(row));
  const doubts = sorted(known, column, column.doubt === "high").slice(0, Number(section.dataset.most));
  if (!doubts.length) return;
  const which = `${column.doubt === "high" ? "highest" : "lowest"} ${column.name.toLowerCase()}`;
  section.querySelector(".about").textContent = `The ${doubts.length} cells of the ${which}. Click one to see it in its image.`;
  section.querySelector(".doubts").append(...doubts.map((row) => doubtItem(row, column, viewer)));
  section.hidden = false;
}

function outlineOf(row) {
  const drawing = drawingOf(data.image[row]);
  return drawing && drawing.cells.get(data.label[row]);
}

function within(value, most) {
  return Math.min(Math.max(value, 0), most);
}

function doubtItem(row, column, viewer) {
  const drawing = drawingOf(data.image[row]);
  const { d, colour } = outlineOf(row);
  const box = boxOf(d);
  const { url, width, height, nShown } = drawing;
  const side = Math.min(Math.max(box.width, box.height, 12) * 1.8, width, height);
  const left = within(box.x + box.width / 2 - side / 2, width - side);
  const top = within(box.y + box.height / 2 - side / 2, height - side);
  const crop = makeSvg("svg", { viewBox: `${left} ${top} ${side} ${side}`, class: "outlines", "aria-hidden": "true" },
    makeSvg("image", { href: url, width, height, preserveAspectRatio: "none", filter: nShown ? `url(#stains-${nShown})` : null }),
    makeSvg("path", { d, class: "under" }),
    makeSvg("path", { d, class: colour }));
  const name = `${data.images[data.image[row]]}, cell ${data.label[row]}`;
  const open = make("button", { type: "button", title: name, click: () => viewer.openCell(row) }, crop,
    make("b", {}, show(column, row)), make("span", {}, ...breakable(name.split("/").pop())));
  return make("li", {}, open);
}
