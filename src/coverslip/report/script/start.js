// the page as it was written → the page that answers.

function start() {
  const opens = [...document.querySelectorAll(".picture .open")];
  const images = inOrder(opens.map(imageOf));
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

// As the page has them; the frames of a film in the order of time.
function inOrder(images) {
  const first = new Map();
  images.forEach((image, place) => { if (!first.has(data.file[image])) first.set(data.file[image], place); });
  return images.slice().sort((a, b) => first.get(data.file[a]) - first.get(data.file[b]) || a - b);
}

function imageOf(open) {
  return Number(open.parentElement.id.slice("view-".length));
}

start();
