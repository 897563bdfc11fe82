// a picture's channels → how they are shown: dark and bright end, gamma, which of them.
//
// The picture stays as it is; an SVG filter changes what is seen, so nothing is computed twice.

const PLAIN = { low: 0, high: 1, gamma: 1 };
const STEPS = 64;  // of the curve from dark to bright
const RGB = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
// Channels of a microscope: green and magenta are told apart with any colour blindness; a third is
// blue. The filters of the cards say the same.
const STAINS = [[0, 1, 0], [1, 0, 1], [0, 0.4, 1]];

function curveOf({ low, high, gamma }) {
  const values = [];
  for (let i = 0; i <= STEPS; i += 1) {
    const level = (i / STEPS - low) / Math.max(high - low, 0.001);
    values.push((Math.min(Math.max(level, 0), 1) ** (1 / gamma)).toFixed(4));
  }
  return values.join(" ");
}

// Rows of an feColorMatrix: what each channel of the picture gives to red, green and blue.
function mixOf(channels, hues) {
  const shown = channels.map((channel, i) => (channel.isOn ? i : -1)).filter((i) => i >= 0);
  const isAlone = shown.length === 1;
  const rows = [0, 1, 2].map((colour) => {
    const weights = [0, 1, 2].map((i) => (shown.includes(i) ? (isAlone ? 1 : hues[i][colour]) : 0));
    return [...weights, 0, 0].join(" ");
  });
  return [...rows, "0 0 0 1 0"].join(" ");
}

function makeLook(picture) {
  const curves = ["R", "G", "B"].map((name) => makeSvg(`feFunc${name}`, { type: "table" }));
  const mix = makeSvg("feColorMatrix", { type: "matrix" });
  const filter = makeSvg("filter", { id: "look", x: 0, y: 0, width: 1, height: 1, "color-interpolation-filters": "sRGB" },
    makeSvg("feComponentTransfer", {}, ...curves), mix);
  const ofNames = new Map();  // what was set is kept for the next picture of the same channels
  const host = make("details", { class: "look" });
  let channels = [], hues = RGB;

  function draw() {
    curves.forEach((curve, i) => curve.setAttribute("tableValues", curveOf(channels[i] || channels[0])));
    const isPlain = channels.every((one) => one.isOn && one.low === 0 && one.high === 1 && one.gamma === 1);
    mix.setAttribute("values", channels.length > 1 ? mixOf(channels, hues) : "1 0 0 0 0 0 1 0 0 0 0 0 1 0 0 0 0 0 1 0");
    if (isPlain && hues === RGB) picture.removeAttribute("filter");
    else picture.setAttribute("filter", "url(#look)");
  }

  // `nShown` channels of a microscope are seen at first; 0: the colours of a picture, all of them.
  function open(names, nShown) {
    const key = names.join("\n");
    const isFirst = (i) => !nShown || i < nShown;
    if (!ofNames.has(key)) ofNames.set(key, (names.length ? names : [""]).map((_, i) => ({ ...PLAIN, isOn: isFirst(i), isFirst: isFirst(i) })));
    channels = ofNames.get(key);
    hues = nShown ? STAINS : RGB;
    host.replaceChildren(make("summary", {}, names.length ? "Contrast and channels (C)" : "Contrast (C)"), ...fields(names));
    draw();
  }

  function fields(names) {
    const reset = button("Reset", "As it was", () => {
      channels.forEach((channel) => Object.assign(channel, PLAIN, { isOn: channel.isFirst }));
      const [summary] = host.children;
      host.replaceChildren(summary, ...fields(names));
      draw();
      host.querySelector("button").focus();
    });
    return [...channels.map((channel, i) => channelFields(channel, names[i] || "")), make("p", {}, reset)];
  }

  function channelFields(channel, name) {
    const slider = (label, key, [least, most]) => {
      const said = make("output");
      const input = make("input", { type: "range", min: least, max: most, step: 0.01, value: channel[key], "aria-label": name ? `${label}, ${name}` : label, input: () => {
        channel[key] = Number(input.value);
        say();
        draw();
      } });
      const say = () => { said.textContent = key === "gamma" ? channel[key].toFixed(2) : `${Math.round(100 * channel[key])} %`; };
      say();
      return make("label", {}, `${label} `, input, said);
    };
    const isOn = make("input", { type: "checkbox", "aria-label": `Show ${name}`, change: () => { channel.isOn = isOn.checked; draw(); } });
    isOn.checked = channel.isOn;
    return make("fieldset", {}, ...(name ? [make("legend", {}, make("label", {}, isOn, ` ${name}`))] : []),
      slider("Dark end", "low", [0, 0.95]), slider("Bright end", "high", [0.05, 1]), slider("Gamma", "gamma", [0.2, 4]));
  }

  return { host, filter, open };
}
