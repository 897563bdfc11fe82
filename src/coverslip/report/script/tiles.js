// what is seen of an image, and how closely → the tiles of it that lie beside the page.

const MOST_TILES = 200;  // kept at a time, those in sight among them

function makeTiles(group) {
  const shown = new Map();  // level/row_column → <image>
  let set = null, factor = 1;

  // `drawing` is the page's own picture of the image, whose units are those of the view.
  function open(image, drawing) {
    set = data.tiles[image] || null;
    factor = set ? drawing.width / set.width : 1;
    group.replaceChildren();
    shown.clear();
  }

  // `view`: its middle, its size, and screen pixels for a unit of the drawing.
  function update(view, pixels) {
    if (!set) return;
    const wanted = view.scale * factor * (window.devicePixelRatio || 1);  // screen pixels for one of the image
    const level = Math.min(Math.max(Math.floor(Math.log2(1 / wanted)), 0), set.levels - 1);
    if (pixels && set.width / 2 ** level <= pixels) return void (group.style.display = "none");
    group.style.display = "";
    const side = set.side * 2 ** level;
    const range = (middle, seen, whole) => [Math.max(0, Math.floor((middle - seen / 2) / factor / side)), Math.min(Math.ceil(whole / side) - 1, Math.floor((middle + seen / 2) / factor / side))];
    const [left, right] = range(view.x, view.width, set.width);
    const [top, bottom] = range(view.y, view.height, set.height);
    for (let row = top; row <= bottom; row += 1) for (let column = left; column <= right; column += 1) add(level, row, column, side);
    forget();
  }

  // The one that was wanted last comes last, and lies above coarser ones.
  function add(level, row, column, side) {
    const name = `${level}/${row}_${column}`;
    const had = shown.get(name);
    shown.delete(name);
    shown.set(name, had || tile(name, row * side, column * side, side));
    if (!had) group.append(shown.get(name));
  }

  function tile(name, y, x, side) {
    const [width, height] = [Math.min(side, set.width - x), Math.min(side, set.height - y)].map((length) => length * factor);
    return makeSvg("image", { href: `${set.url}/${name}.jpg`, x: x * factor, y: y * factor, width, height, preserveAspectRatio: "none" });
  }

  function forget() {
    for (const [name, element] of shown) {
      if (shown.size <= MOST_TILES) return;
      element.remove();
      shown.delete(name);
    }
  }

  return { open, update };
}
