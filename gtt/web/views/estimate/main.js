/** What the draft will take: parameters, memory, time; asked anew when it has changed. */
import { ask } from "../../lib/api.js";
import { add, partsOf } from "../../lib/dom.js";
import { change, draft, refused, screen, TOGETHER, touched } from "../../lib/draft.js";
import { whole } from "../../lib/format.js";
import { key, turn } from "../../lib/store.js";
import { WaysOut } from "./ways.js";
import { bytes, roughly, shareOf, short } from "./words.js";

/** @typedef {import("../../lib/store.js").Schema["RunEstimate"]} Estimate */

const LATER = 150; // milliseconds in which several changes count as one
const AGAIN = 4000; // after an answer that did not come
const RENEW = 35000; // after one that rests on a moment when other programs were at work
const COLOURS = 7;

/** @param {HTMLElement} element */
export function mount(element) {
  const part = partsOf(element);
  const root = /** @type {HTMLElement} */ (element.querySelector(".gtt-estimate"));
  const ways = new WaysOut(({ setting, value }) => {
    const shown = Object.fromEntries(TOGETHER.map((one) => [one, screen.value[one]]));
    change({ screen: { ...shown, [setting]: value } });
  });
  let isAssumed = false; // the vocabulary, as long as the text is not read
  let timer = 0;
  let asked = 0;

  const soon = (wait = LATER) => {
    clearTimeout(timer);
    timer = window.setTimeout(renew, wait);
  };

  async function renew() {
    if (!key.value || !element.isConnected) return;
    asked += 1;
    const mine = asked;
    root.classList.add("waiting");
    let answer = await ask("estimate", {});
    if (mine === asked) take(answer);
    if (mine === asked && !answer.error && answer.measurable) {
      part("basis").textContent = "Measuring this machine, a few seconds…";
      answer = await ask("estimate", { measure: true });
      if (mine === asked) take(answer);
    }
    if (mine !== asked) return;
    root.classList.remove("waiting");
    if (answer.error?.code === "lost")
      soon(AGAIN); // what is shown stays
    else if (!answer.error && answer.provisional) soon(RENEW);
  }

  /** @param {import("../../types/ask").Reply<"estimate">} answer */
  function take(answer) {
    if (answer.error) {
      if (answer.error.code !== "lost") part("basis").textContent = answer.error.message;
      return;
    }
    isAssumed = answer.vocabulary_is_assumed;
    show(part, answer);
  }

  draft.follow(element, () => soon());
  touched.follow(element, (settings) => ways.forget(settings));
  refused.follow(element, (refusal) => refusal && ways.show(refusal));
  // A run that has read the text knows the vocabulary, and so does a draft on the same text.
  turn.follow(element, (run) => {
    if (isAssumed && run && ["running", "completed"].includes(run.state)) soon();
  });
  key.follow(element, () => soon(0));
  soon(0);
}

/**
 * @param {ReturnType<typeof partsOf>} part
 * @param {Estimate} answer
 */
function show(part, answer) {
  const isAssumed = answer.vocabulary_is_assumed;
  part("parameters-figure").textContent = `${isAssumed ? "about " : ""}${whole(answer.parameters)}`;
  part("parameters-tag").textContent = isAssumed ? "estimate" : "exact";
  showParts(
    part("parameters-bar"),
    part("parameters-rows"),
    answer.parameter_parts.map(({ label, parameters, per_block: each }) => ({
      label,
      size: parameters,
      words: whole(parameters),
      each: each ? `${whole(each)} in each block` : "",
    })),
  );
  part("memory-figure").textContent = `about ${bytes(answer.memory_bytes)}`;
  showParts(
    part("memory-bar"),
    part("memory-rows"),
    answer.memory_parts.map(({ label, bytes: size }) => {
      return { label, size, words: bytes(size), each: "" };
    }),
  );
  showTime(part, answer);
  showMeanings(part, answer);
  const notes = part("notes");
  const vocabulary = `The vocabulary is taken to be ${whole(answer.vocab_size)} tokens`;
  notes.textContent = "";
  for (const text of [
    ...(isAssumed ? [`${vocabulary} until the text is read.`] : []),
    ...answer.notes,
  ]) {
    add(notes, "li", { text });
  }
  notes.hidden = !notes.children.length;
  const figures = ["parameters", "memory", "time"].map((n) => part(`${n}-figure`).textContent);
  part("status").textContent =
    `${figures[0]} parameters, ${figures[1]} of memory, time: ${figures[2]}.`;
}

/**
 * A bar and a table of what something is made of.
 *
 * @param {HTMLElement} bar
 * @param {HTMLElement} rows
 * @param {{ label: string, size: number, words: string, each: string }[]} all
 */
function showParts(bar, rows, all) {
  const total = all.reduce((sum, { size }) => sum + size, 0);
  const shares = all
    .filter(({ size }) => size > 0)
    .map(({ label, size }) => `${label} ${shareOf(size, total)}`);
  rows.textContent = "";
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", shares.join(", "));
  all.forEach(({ label, size, words, each }, i) => {
    const colour = `var(--part-${i % COLOURS})`;
    // Pieces stay, so that they grow and shrink instead of jumping.
    const piece = /** @type {HTMLElement} */ (bar.children[i] || add(bar, "i"));
    piece.style.background = colour;
    piece.style.flexGrow = String(size / (total || 1));
    piece.style.display = size ? "" : "none";
    piece.title = `${label}: ${words}`;
    if (!size) return;
    const row = add(rows, "tr");
    const head = add(row, "th");
    head.scope = "row";
    add(head, "span", { class: "swatch" }).style.background = colour;
    head.append(label);
    if (each) add(head, "span", { class: "each", text: each });
    add(row, "td", { text: words });
    add(row, "td", { class: "share", text: shareOf(size, total) });
  });
}

/**
 * What the three figures come to, in things one knows.
 *
 * @param {ReturnType<typeof partsOf>} part
 * @param {Estimate} answer
 */
function showMeanings(part, answer) {
  const { parameters, steps, tokens_per_step: each } = answer;
  const own = answer.memory_parts.find(({ name }) => name === "process")?.bytes || 0;
  const size = bytes(4 * parameters);
  part("parameters-means").textContent =
    `A file of ${size}: four bytes for each number that training sets.`;
  part("memory-means").textContent =
    `Training adds ${bytes(answer.memory_bytes - own)} to what the program itself takes.`;
  part("time-means").textContent =
    steps === null ? "" : `It reads ${short(steps * each)} tokens, ${whole(each)} at each step.`;
}

/**
 * @param {ReturnType<typeof partsOf>} part
 * @param {Estimate} answer
 */
function showTime(part, answer) {
  const { seconds, seconds_per_step: step, steps, tokens_per_second: speed } = answer;
  const rows = part("time-rows");
  const known = step === null ? "not known yet" : `about ${roughly(step)} a step`;
  part("time-figure").textContent = seconds === null ? known : `about ${roughly(seconds)}`;
  rows.textContent = "";
  const row = (/** @type {string} */ name, /** @type {string} */ value) => {
    const line = add(rows, "tr");
    add(line, "th", { text: name }).scope = "row";
    add(line, "td", { text: value });
  };
  row("A step", step === null ? "not measured yet" : roughly(step));
  row("Steps", steps === null ? "known once the text is read" : whole(steps));
  row("Tokens in a step", whole(answer.tokens_per_step));
  row("Tokens a second", speed === null ? "not measured yet" : short(speed));
  const operations = short(answer.operations_per_step);
  row("Operations in a step", `${operations}${/\d$/.test(operations) ? " " : ""}FLOP`);
  row("Precision", answer.precision);
  part("basis").textContent = answer.basis;
}
