// the page as it was written → the page that answers.

function start() {
  const opens = [...document.querySelectorAll(".picture .open")];
  const images = opens.map((open) => imageOf(open));
  let table = null;
  const viewer = makeViewer({ images, onMark: (row) => table && table.mark(row, false) });
  for (const open of opens) {
    open.setAttribute("title", "Check the cells");
    open.addEventListener("click", (event) => {
      event.preventDefault();
      viewer.openImage(imageOf(open));
    });
  }
  table = showCells(viewer);
  showDoubts(viewer);
  showTips();
}

function imageOf(open) {
  return Number(open.parentElement.id.slice("view-".length));
}

start();
