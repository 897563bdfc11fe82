// the page's data → cells by frame and by track, and the outlines of a frame.

const film = JSON.parse(document.querySelector("#data").textContent);
const branches = film.tracks;
const rowsByFrame = new Map(film.shown.map((frame) => [frame, []]));
const rowsByTrack = new Map();
film.cells.track.forEach((track, row) => {
  rowsByFrame.get(film.cells.frame[row]).push(row);
  if (!rowsByTrack.has(track)) rowsByTrack.set(track, []);
  rowsByTrack.get(track).push(row);
});

const decoded = new Map(); // of the frames that were seen: [[track, path], …]

function outlinesOf(index) {
  if (!decoded.has(index)) decoded.set(index, decode(film.outlines[index]));
  return decoded.get(index);
}

// The numbers as they were folded into bytes, one after the other.
function readNumbers(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  let at = 0;
  return {
    isLeft: () => at < bytes.length,
    next() {
      let value = 0, factor = 1, byte;
      do {
        byte = bytes[at++];
        value += (byte & 127) * factor;
        factor *= 128;
      } while (byte > 127);
      return value % 2 ? -(value + 1) / 2 : value / 2;
    },
  };
}

function decode(text) {
  const numbers = readNumbers(text), found = [];
  let track = 0, y = 0, x = 0;
  while (numbers.isLeft()) {
    track += numbers.next();
    let path = "";
    for (let rings = numbers.next(); rings > 0; rings--) {
      for (let n = numbers.next(), i = 0; i < n; i++) {
        y += numbers.next();
        x += numbers.next();
        path += `${i ? "L" : "M"}${x / 2} ${y / 2}`;
      }
      path += "Z";
    }
    found.push([track, path]);
  }
  return found;
}

// The shown frame that is nearest to any.
function indexOf(frame) {
  let best = 0;
  film.shown.forEach((one, index) => {
    if (Math.abs(one - frame) < Math.abs(film.shown[best] - frame)) best = index;
  });
  return best;
}

function rowAt(track, frame) {
  return (rowsByTrack.get(track) || []).find((row) => film.cells.frame[row] === frame);
}

function colourOf(track) {
  return branches.colour[track - 1];
}

// A track's mother, her mother, and so on.
function ancestorsOf(track) {
  const found = [];
  for (let one = branches.parent_track_id[track - 1]; one; one = branches.parent_track_id[one - 1]) found.push(one);
  return found;
}

function timeOf(frame) {
  return film.hours ? `frame ${frame} (${(frame * film.hours).toFixed(2)} h)` : `frame ${frame}`;
}
