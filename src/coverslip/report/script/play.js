// a row of frames → a clock that goes through them: play, pause, step, speed.

// `show` draws a frame by its index; `onChange` hears of every step, start and stop.
function makeClock({ show, onChange, perSecond }) {
  const state = { index: 0, count: 1, timer: null, perSecond };
  const isPlaying = () => state.timer !== null;

  function go(index) {
    state.index = Math.min(Math.max(index, 0), state.count - 1);
    show(state.index);
    onChange();
  }

  function step(by) {
    pause();
    go(state.index + by);
  }

  function play() {
    clearInterval(state.timer);
    state.timer = setInterval(() => go((state.index + 1) % state.count), 1000 / state.perSecond);
    onChange();
  }

  function pause() {
    if (!isPlaying()) return;
    clearInterval(state.timer);
    state.timer = null;
    onChange();
  }

  function toggle() {
    if (isPlaying()) return pause();
    if (state.index === state.count - 1) go(0);
    return play();
  }

  function setSpeed(value) {
    state.perSecond = value;
    if (isPlaying()) play();
  }

  return { state, go, step, play, pause, toggle, setSpeed, isPlaying };
}

// Buttons, a slider of frames and one of speed; `say` gives the words beside them.
function makeClockControls(clock, say) {
  const toggle = button("▶", "Play or pause (space)", clock.toggle);
  toggle.id = "play";
  const slider = make("input", {
    type: "range", id: "frame", min: 0, value: 0, "aria-label": "Frame",
    input: () => { clock.pause(); clock.go(Number(slider.value)); },
  });
  const said = make("output", { id: "now" });
  const speed = make("input", {
    type: "range", id: "speed", min: 1, max: 30, value: clock.state.perSecond, "aria-label": "Frames a second",
    input: () => clock.setSpeed(Number(speed.value)),
  });

  function update() {
    slider.max = clock.state.count - 1;
    slider.value = clock.state.index;
    slider.setAttribute("aria-valuetext", say(clock.state.index));
    said.textContent = say(clock.state.index);
    toggle.textContent = clock.isPlaying() ? "❚❚" : "▶";
  }

  const frames = [button("◂", "One frame back", () => clock.step(-1)), toggle, button("▸", "One frame on", () => clock.step(1)), slider, said];
  return { frames, speed: make("label", {}, "Speed ", speed), update };
}
