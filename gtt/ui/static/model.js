// What the draft will take, asked anew when it has changed; and the ways out of a refused change,
// shown at the control that asked for it.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const root = element.querySelector(".gtt-estimate");
const LATER = 150; // milliseconds in which several changes count as one
const AGAIN = 4000; // after an answer that did not come
const RENEW = 35000; // after one that rests on a moment when other programs were at work
let key = "", last = 0, timer = null, refusal = null;

function made(parent, kind, text, name) {
  const one = document.createElement(kind);
  if (text !== undefined) one.textContent = text;
  if (name) one.className = name;
  parent.append(one);
  return one;
}

// ---------------------------------------------------------------- asking

function soon(wait = LATER) {
  clearTimeout(timer);
  timer = setTimeout(ask, wait);
}

async function ask() {
  if (!key || !element.isConnected) return;
  const mine = (last += 1);
  root.classList.add("waiting");
  try {
    const where = { workspace: key, asked: document.documentElement.dataset.gttAsked };
    let answer = await server.estimate(where);
    if (mine !== last) return;
    show(answer);
    if (answer.measurable) {
      $("basis").textContent = "Measuring this machine, a few seconds…";
      answer = await server.estimate({ ...where, measure: true });
      if (mine === last) show(answer);
    }
    if (mine === last && answer.provisional) soon(RENEW);
  } catch (error) {
    if (mine === last) soon(AGAIN); // the connection was lost; what is shown stays
  }
  if (mine === last) root.classList.remove("waiting");
}

// ---------------------------------------------------------------- words

const whole = (number) => Math.round(number).toLocaleString("en");

function short(number) {
  for (const [size, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (number >= size) return `${(number / size).toPrecision(3)} ${unit}`;
  }
  return `${Math.round(number)} `;
}

function bytes(number) {
  if (number >= 1e9) return `${(number / 1e9).toFixed(1)} GB`;
  if (number >= 1e6) return `${whole(number / 1e6)} MB`;
  return number ? `${whole(Math.max(1, number / 1e3))} kB` : "0";
}

function duration(seconds) {
  if (seconds < 0.0995) return `${(seconds * 1e3).toPrecision(2)} ms`;
  if (seconds < 0.995) return `${Math.round(seconds * 100) * 10} ms`;
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} hours`;
  return `${whole(seconds / 86400)} days`;
}

function share(part, total) {
  const percent = (100 * part) / (total || 1);
  return percent > 0 && percent < 1 ? "<1 %" : `${Math.round(percent)} %`;
}

// ---------------------------------------------------------------- showing

function show(answer) {
  if (answer.error) { $("basis").textContent = answer.error.message; return; }
  const assumed = isAssumed = answer.vocabulary_is_assumed;
  $("parameters-figure").textContent = `${assumed ? "about " : ""}${whole(answer.parameters)}`;
  $("parameters-tag").textContent = assumed ? "estimate" : "exact";
  const each = (part) => (part.per_block ? `${whole(part.per_block)} in each block` : "");
  parts("parameters", answer.parameter_parts, (part) => part.parameters, whole, each);
  $("memory-figure").textContent = `about ${bytes(answer.memory_bytes)}`;
  parts("memory", answer.memory_parts, (part) => part.bytes, bytes, () => "");
  time(answer);
  meanings(answer);
  const notes = $("notes");
  notes.textContent = "";
  if (assumed) made(notes, "li", `The vocabulary is taken to be ${whole(answer.vocab_size)} tokens until the text is read.`);
  answer.notes.forEach((note) => made(notes, "li", note));
  notes.hidden = !notes.children.length;
  $("status").textContent = `${$("parameters-figure").textContent} parameters, ${$("memory-figure").textContent} of memory, time: ${$("time-figure").textContent}.`;
}

function parts(name, all, size, words, each) {
  const shown = all.filter((part) => size(part) > 0), total = shown.reduce((sum, part) => sum + size(part), 0);
  const bar = $(`${name}-bar`), rows = $(`${name}-rows`);
  rows.textContent = "";
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", shown.map((part) => `${part.label} ${share(size(part), total)}`).join(", "));
  all.forEach((part, number) => {
    const colour = `var(--part-${number % 7})`;
    // Pieces stay, so that they grow and shrink instead of jumping.
    const piece = bar.children[number] || made(bar, "i");
    piece.style.background = colour;
    piece.style.flexGrow = size(part) / (total || 1);
    piece.style.display = size(part) ? "" : "none";
    piece.title = `${part.label}: ${words(size(part))}`;
    if (!size(part)) return;
    const row = made(rows, "tr"), head = made(row, "th");
    head.scope = "row";
    const swatch = made(head, "span", "", "swatch");
    swatch.style.background = colour;
    head.append(part.label);
    if (each(part)) made(head, "span", each(part), "each");
    made(row, "td", words(size(part)));
    made(row, "td", share(size(part), total), "share");
  });
}

// What the three figures come to, in things one knows.
function meanings(answer) {
  const { parameters, steps, tokens_per_step: each } = answer;
  const size = bytes(4 * parameters), own = answer.memory_parts.find((part) => part.name === "process");
  $("parameters-means").textContent = `A file of ${size}: four bytes for each number that training sets.`;
  const added = bytes(answer.memory_bytes - (own ? own.bytes : 0));
  $("memory-means").textContent = `Training adds ${added} to what the program itself takes.`;
  const read = steps === null ? null : steps * each;
  const words = `It reads ${short(read || 0).trim()} tokens, ${whole(each)} at each step.`;
  $("time-means").textContent = read === null ? "" : words;
}

function time(answer) {
  const { seconds, seconds_per_step: step, steps } = answer, rows = $("time-rows");
  $("time-figure").textContent = seconds !== null ? `about ${duration(seconds)}` : step !== null ? `about ${duration(step)} a step` : "not known yet";
  rows.textContent = "";
  const row = (name, value) => {
    const one = made(rows, "tr");
    made(one, "th", name).scope = "row";
    made(one, "td", value);
  };
  row("A step", step === null ? "not measured yet" : duration(step));
  row("Steps", steps === null ? "known once the text is read" : whole(steps));
  row("Tokens in a step", whole(answer.tokens_per_step));
  row("Tokens a second", step === null ? "not measured yet" : short(answer.tokens_per_second).trim());
  row("Operations in a step", `${short(answer.operations_per_step)}FLOP`);
  row("Precision", answer.precision);
  $("basis").textContent = answer.basis;
}

// ---------------------------------------------------------------- ways out

const BOX = "margin-top:.5rem;padding:.5rem .7rem;border:1px solid var(--error-border-color);border-left-width:4px;border-radius:var(--radius-lg);background:var(--error-background-fill);color:var(--error-text-color)";
const BUTTON = "font:inherit;font-size:var(--text-sm);margin:.4rem .4rem 0 0;padding:.25rem .7rem;min-height:1.75rem;border:1px solid currentColor;border-radius:var(--radius-md);background:var(--background-fill-primary);color:var(--body-text-color);cursor:pointer";

function field(setting) {
  return document.getElementById(setting.replace(".", "-"));
}

function mark(block, invalid) {
  block.querySelectorAll("input").forEach((input) => {
    if (invalid) { input.setAttribute("aria-invalid", "true"); input.setAttribute("aria-describedby", "gtt-refusal"); }
    else { input.removeAttribute("aria-invalid"); input.removeAttribute("aria-describedby"); }
  });
}

function forget() {
  if (!refusal) return;
  mark(refusal.block, false);
  refusal.box.remove();
  refusal = null;
}

// Beside the control and so outside of this component, hence with styles of its own.
function refuse(fault) {
  const block = field(fault.setting);
  if (!block) return;
  const box = made(block, "div");
  box.id = "gtt-refusal";
  box.style.cssText = BOX;
  box.setAttribute("role", "alert");
  made(box, "p", fault.message).style.margin = "0";
  for (const way of fault.ways) {
    const button = made(box, "button", way.label);
    button.type = "button";
    button.style.cssText = BUTTON;
    button.onclick = () => {
      forget();
      trigger("mend", { setting: way.setting, value: way.value });
      const input = (field(way.setting) || block).querySelector("input");
      if (input) input.focus();
    };
  }
  const settings = [fault.setting, ...fault.ways.map((way) => way.setting)];
  refusal = { block, box, settings };
  mark(block, true);
}

function heard(event) {
  if (!element.isConnected) { document.removeEventListener("gtt:draft", heard); return; }
  const { changed, refused } = event.detail || {};
  // Until one of the settings that do not fit shows another value, the draft is not what is shown.
  if (refused || (refusal && refusal.settings.includes(changed))) forget();
  if (refused) refuse(refused); else soon();
}

// ---------------------------------------------------------------- life

function attach(value) {
  const { workspace = "" } = value || {};
  if (workspace) { key = workspace; soon(0); }
}

// A run that has read the text knows the vocabulary, and so does a draft on the same text.
let isAssumed = false;
function prepared(event) {
  if (!element.isConnected) { document.removeEventListener("gtt:run", prepared); return; }
  if (isAssumed && ["running", "completed"].includes((event.detail || {}).state)) soon();
}
document.addEventListener("gtt:run", prepared);
document.addEventListener("gtt:draft", heard);
watch("value", () => attach(props.value));
attach(props.value);
