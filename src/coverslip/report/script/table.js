// columns + rows → a table that is sorted by its head and shown page by page.

// The first of `columns` is the cell's number, and stays in sight when the others are scrolled.
// `onPick` gets a row, and whether it was chosen with shift.
function makeTable({ columns, perPage, caption, onPick, onHover = () => {} }) {
  const state = { rows: [], page: 0, column: null, descending: false, marked: null, columns };
  const headLine = make("tr");
  const body = make("tbody");
  const where = make("span", { "aria-live": "polite" });
  const back = button("‹", "Previous page", () => turnTo(state.page - 1));
  const on = button("›", "Next page", () => turnTo(state.page + 1));
  const pager = make("p", { class: "pager" }, back, where, on);
  const table = make("table", {}, make("caption", {}, caption), make("thead", {}, headLine), body);
  const box = make("div", { class: "scroll", tabindex: 0 }, table);
  const host = make("div", { class: "cells" }, box, pager);

  function sortBy(column) {
    const again = state.column === column;
    // Large ones are looked for first, but names begin with A.
    state.descending = again ? !state.descending : !column.text && column !== CELL && column.doubt !== "low";
    state.column = column;
    state.rows = sorted(state.rows, column, state.descending);
    drawHead();
    turnTo(0);
  }

  function drawHead() {
    const had = [...headLine.children].findIndex((head) => head.contains(document.activeElement));
    headLine.replaceChildren(...state.columns.map((column) => {
      const order = column !== state.column ? null : state.descending ? "descending" : "ascending";
      const sort = make("button", { type: "button", click: () => sortBy(column) }, heading(column));
      return make("th", { scope: "col", class: column.text ? "text" : null, "aria-sort": order }, sort);
    }));
    if (had >= 0 && headLine.children[had]) headLine.children[had].firstChild.focus();
  }

  function setColumns(chosen) {
    state.columns = chosen;
    drawHead();
    turnTo(state.page);
  }

  function setRows(chosen) {
    state.rows = state.column ? sorted(chosen, state.column, state.descending) : chosen;
    turnTo(0);
  }

  function turnTo(page) {
    const pages = Math.max(1, Math.ceil(state.rows.length / perPage));
    state.page = Math.min(Math.max(page, 0), pages - 1);
    const first = state.page * perPage;
    const shown = state.rows.slice(first, first + perPage);
    body.replaceChildren(...shown.map(line));
    where.textContent = shown.length ? `${first + 1}–${first + shown.length} of ${state.rows.length}` : "no cell";
    pager.hidden = pages === 1;
    back.disabled = state.page === 0;
    on.disabled = state.page === pages - 1;
  }

  function line(row) {
    const fields = state.columns.map((column) => field(column, row));
    const attributes = { "data-row": row, click: (event) => onPick(row, event.shiftKey), mousedown: selectNothing, pointerenter: () => onHover(row), pointerleave: () => onHover(null) };
    return make("tr", { ...attributes, "aria-selected": row === state.marked ? "true" : null }, ...fields);
  }

  // A click with shift marks; it must not select the text on the way.
  function selectNothing(event) {
    if (event.shiftKey) event.preventDefault();
  }

  // The cell's number is a button, so that a row can be chosen by keys too.
  function field(column, row) {
    if (column === CELL) return make("th", { scope: "row" }, boxOfRow(row), make("button", { type: "button" }, show(column, row)));
    return make("td", { class: column.text ? "text" : null }, show(column, row));
  }

  function boxOfRow(row) {
    const box = make("input", { type: "checkbox", "aria-label": `Mark cell ${data.label[row]}`, click: (event) => event.stopPropagation(), change: () => toggleMark(row) });
    box.checked = marked.has(row);
    return box;
  }

  onMarks.push(() => {
    for (const each of body.children) each.querySelector("input").checked = marked.has(Number(each.dataset.row));
  });
  drawHead();

  // Show a row as the chosen one; with `reveal`, turn to its page and scroll it into sight.
  function mark(row, reveal = false) {
    state.marked = row;
    const place = reveal && row !== null ? state.rows.indexOf(row) : -1;
    if (place >= 0 && Math.floor(place / perPage) !== state.page) turnTo(Math.floor(place / perPage));
    for (const each of body.children) {
      if (Number(each.dataset.row) !== row) each.removeAttribute("aria-selected");
      else each.setAttribute("aria-selected", "true");
      if (reveal && Number(each.dataset.row) === row) scrollTo(each);
    }
  }

  // Scroll the table alone: what stands around it, the cell's values above all, stays in sight.
  function scrollTo(line) {
    const [{ top, bottom }, frame] = [line.getBoundingClientRect(), box.getBoundingClientRect()];
    const above = frame.top + table.tHead.offsetHeight - top;
    if (above > 0) box.scrollTop -= above;
    else box.scrollTop += Math.max(0, bottom - frame.bottom);
  }

  // The row that stands `step` rows from another, in the order of the table.
  function neighbour(row, step) {
    const place = state.rows.indexOf(row);
    if (place < 0) return state.rows.length ? state.rows[0] : null;
    return state.rows[Math.min(Math.max(place + step, 0), state.rows.length - 1)];
  }

  return { host, setRows, setColumns, sortBy, mark, neighbour, rowsInOrder: () => state.rows };
}
