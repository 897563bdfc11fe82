// the page as it was written → the page that answers: film, tree, curves and events know each other.

function start() {
  let said = () => {};
  const player = makePlayer({
    onFrame: (index, frame) => { said(); tree.setFrame(frame); curves.setFrame(frame); },
    onPick: pick,
  });
  const tree = makeTree({ onPick: pick });
  const curves = makeCurves({ onFrame: pick });
  said = makeControls(player);

  // A cell, by whatever was clicked; null: the film stays where it is.
  function pick(track, frame) {
    tree.light(track);
    curves.show(track);
    player.show(track, frame);
  }

  for (const one of document.querySelectorAll("[data-event]")) {
    one.addEventListener("click", () => {
      const [frame, track] = film.events[Number(one.dataset.event)];
      pick(track, frame);
      document.querySelector("#film").scrollIntoView({ block: "start" });
    });
  }
  for (const line of document.querySelectorAll(".rose [data-track]")) {
    const track = Number(line.dataset.track);
    line.addEventListener("click", () => pick(track, branches.begin_frame[track - 1]));
  }
  listenToKeys(player);
  showTips();
  player.frameView();
  player.clock.go(0);
}

start();
