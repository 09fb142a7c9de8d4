// How text is drawn: controls made from the descriptions of the settings.
const SHOWN = told.settings.filter((one) => one.part === "drawing").map((one) => one.key.split(".")[1]);
const MOST_LENGTH = 2000; // that the endpoint takes
const MODES = {
  sampling: { name: "Sampling", idle: ["num_beams"], said: "Each token is drawn by its odds." },
  greedy: { name: "Greedy", idle: ["temperature", "top_k", "top_p", "num_beams", "seed", "samples"], said: "Always the likeliest token: temperature is 0, and top-k, top-p and the seed play no part." },
  beam: { name: "Beam search", idle: ["temperature", "top_k", "top_p", "seed", "samples"], said: "The likeliest text of several that are followed at once: temperature, top-k, top-p and the seed play no part." },
};
const fields = {}; // by setting: {box, range, typed, fallback}
let mode = "sampling", isOwnSetting = false, settingsChanged = () => {};

function buildSettings() {
  $("modes").replaceChildren(...Object.entries(MODES).map(([name, one]) => {
    const label = made("label"), radio = made("input");
    radio.type = "radio"; radio.name = "gtt-mode"; radio.value = name; radio.checked = name === mode;
    radio.onchange = () => { isOwnSetting = true; chooseMode(name); };
    label.append(radio, one.name);
    return label;
  }));
  const rows = SHOWN.map((name) => control(told.settings.find((one) => one.key === `generation.${name}`), name));
  const samples = { label: "Samples", unit: "side by side", tip: told.samples, default: 1, kind: "integer", slider: { low: 1, high: 4, step: 1 }, limits: {} };
  $("settings").replaceChildren(...rows, control(samples, "samples"));
  chooseMode(mode);
}

function control(about, name) {
  const box = made("div", "setting"), head = made("div", "head"), label = made("label", "", about.unit ? `${about.label} ` : about.label);
  const typed = made("input"), id = `gtt-${name}`;
  if (about.unit) label.append(made("small", "", about.unit));
  label.htmlFor = id; label.title = about.tip;
  typed.id = id; typed.type = "number"; typed.dataset.setting = name;
  typed.step = about.kind === "integer" ? 1 : "any"; typed.min = about.slider ? Math.min(0, about.slider.low) : 0;
  typed.value = about.default === null ? "" : about.default;
  head.append(label);
  if (name !== "samples") head.append(why(name));
  head.append(typed);
  box.append(head);
  const tip = made("span", "unseen", about.tip);
  tip.id = `${id}-tip`;
  typed.setAttribute("aria-describedby", tip.id);
  box.append(tip);
  const field = (fields[name] = { box, typed, range: null, fallback: about.default });
  if (about.slider) {
    const range = (field.range = made("input"));
    range.type = "range"; range.min = about.slider.low; range.max = about.slider.high; range.step = about.slider.step || 0.01;
    range.value = about.default; range.dataset.slider = name;
    range.setAttribute("aria-label", about.label);
    range.setAttribute("aria-describedby", tip.id);
    range.oninput = () => { isOwnSetting = true; typed.value = String(Number(range.value)); settingsChanged(name); };
    box.append(range);
  } else if (name === "seed") typed.placeholder = "random";
  typed.oninput = () => { isOwnSetting = true; if (field.range && typed.value !== "") field.range.value = typed.value; settingsChanged(name); };
  return box;
}

function setField(name, value) {
  const field = fields[name];
  if (!field) return;
  field.typed.value = value === null ? "" : value;
  if (field.range && value !== null) field.range.value = value;
}

function chooseMode(name) {
  mode = name;
  for (const radio of $("modes").querySelectorAll("input")) radio.checked = radio.value === name;
  if (name === "beam" && !(valueOf("num_beams") > 1)) setField("num_beams", 4);
  const idle = MODES[name].idle;
  for (const [setting, field] of Object.entries(fields)) {
    const off = idle.includes(setting);
    field.box.classList.toggle("idle", off);
    field.typed.disabled = off;
    if (field.range) field.range.disabled = off;
  }
  settingsChanged("mode");
}

function valueOf(name) {
  const { typed, fallback } = fields[name];
  const value = typed.value.trim() === "" ? NaN : Number(typed.value);
  return Number.isFinite(value) ? value : fallback;
}

// What the settings make of the odds; out of range is left to the endpoint, which says so.
function shaping() {
  const plain = { temperature: valueOf("temperature"), top_k: valueOf("top_k"), top_p: valueOf("top_p"), repetition_penalty: valueOf("repetition_penalty") };
  if (mode === "greedy") return { ...plain, temperature: 0, top_k: 0, top_p: 1 };
  return mode === "beam" ? { ...plain, temperature: 1, top_k: 0, top_p: 1 } : plain;
}

// The settings as a request has them. The seed is drawn here, so that it is known from the start.
function drawing() {
  const fresh = crypto.getRandomValues(new Uint32Array(1))[0], seed = valueOf("seed");
  return {
    ...shaping(),
    max_new_tokens: valueOf("max_new_tokens"),
    num_beams: mode === "beam" ? Math.max(2, valueOf("num_beams")) : 1,
    samples: mode === "sampling" ? valueOf("samples") : 1,
    seed: seed === null ? fresh : seed,
  };
}
const isDrawn = () => mode === "sampling" && valueOf("temperature") > 0;

// A run says how it is written with: its recipe knows best, until a person has chosen otherwise.
function takeOver(config) {
  const given = config.generation;
  for (const name of SHOWN) if (name !== "seed") setField(name, name === "max_new_tokens" ? Math.min(MOST_LENGTH, given[name]) : given[name]);
  if (given.temperature === 0) setField("temperature", fields.temperature.fallback);
  chooseMode(given.num_beams > 1 ? "beam" : given.temperature === 0 ? "greedy" : "sampling");
}
