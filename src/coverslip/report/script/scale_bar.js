// how large a pixel is, on the screen and under the microscope → a bar of a round length.

const BAR = 0.25; // of the view's width, at most

// 1, 2 or 5 times a power of ten: the largest that is not above `most`.
function roundBelow(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((step) => step * power).find((length) => length <= most * (1 + 1e-9)) || power;
}

// `shown` is how many screen pixels one pixel of the image has, `um` its width, null where unknown.
function makeScaleBar() {
  const words = make("span");
  const line = make("span", { class: "length" });
  const host = make("p", { class: "scale-bar", hidden: "" }, line, words);

  function update({ shown, width, um }) {
    const isKnown = shown > 0 && Number.isFinite(shown);
    host.hidden = !isKnown;
    if (!isKnown) return;
    const unit = um || 1;
    const length = roundBelow((BAR * width * unit) / shown);
    line.style.width = `${(length / unit) * shown}px`;
    words.textContent = um ? inUnits(length) : `${Number(length.toPrecision(1))} px`;
    host.setAttribute("aria-label", `Scale bar: ${words.textContent}`);
  }

  return { host, update };
}

function inUnits(um) {
  if (um >= 1000) return `${Number((um / 1000).toPrecision(1))} mm`;
  return um < 1 ? `${Number((um * 1000).toPrecision(1))} nm` : `${Number(um.toPrecision(1))} µm`;
}
