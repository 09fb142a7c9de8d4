/**
 * What a step shows of the learner's runs: samples, curves, writing, tokens.
 *
 * @typedef {NonNullable<import("../../lib/lessons.js").Step["show"]>} Show
 */
import { ask, stream } from "../../lib/api.js";
import { add } from "../../lib/dom.js";
import { whole } from "../../lib/format.js";
import { drawCurves } from "./curves.js";

const COLOURS = 6;
const LATER = 400; // milliseconds after the last key

/** @param {HTMLElement} place @param {Show | null} show */
export function drawShow(place, show) {
  place.replaceChildren();
  if (!show) return;
  const draw = {
    samples: drawSamples,
    curves: drawCurves,
    writing: drawWriting,
    tokens: drawTokens,
  };
  draw[show.kind](place, show);
}

/** @param {HTMLElement} place @param {Show} show */
function drawSamples(place, show) {
  const list = add(place, "ol", { class: "samples" });
  list.tabIndex = 0;
  list.setAttribute("aria-label", "What the model wrote while it was trained");
  for (const { step, text } of show.samples) {
    const item = add(list, "li");
    add(item, "small", { text: `step ${whole(step)}` });
    add(item, "p", { text });
  }
}

/** @param {HTMLElement} place @param {Show} show */
function drawWriting(place, show) {
  const row = add(place, "div", { class: "ways" });
  const texts = add(place, "ol", { class: "samples" });
  texts.setAttribute("role", "log");
  texts.setAttribute("aria-label", "What your model wrote");
  const buttons = show.ways.map((way) => {
    const button = add(row, "button", { text: way.label, type: "button" });
    button.onclick = () => write(way);
    return button;
  });

  /** @param {Show["ways"][number]} way */
  async function write(way) {
    for (const button of buttons) button.disabled = true;
    const item = document.createElement("li");
    texts.prepend(item);
    add(item, "small", { text: way.label });
    const words = add(item, "p", { text: "Writing …" });
    const asked = {
      run_id: show.runs[0]?.run_id,
      prompt: show.text || null,
      max_new_tokens: show.max_new_tokens,
      ...way.settings,
    };
    const fault = await stream(
      "generate",
      /** @type {any} */ (asked),
      (part) => {
        words.textContent = show.text + part.text;
      },
      new AbortController().signal,
    );
    if (fault) words.textContent = fault.message;
    for (const button of buttons) button.disabled = false;
  }
}

/** @param {HTMLElement} place @param {Show} show */
function drawTokens(place, show) {
  const label = add(place, "label", { class: "text", text: "A text of yours" });
  const input = add(label, "input", { type: "text" });
  input.value = show.text;
  input.maxLength = 300;
  const rows = show.runs.map((run) => {
    const box = add(place, "div", { class: "cut" });
    const title = add(box, "p", { class: "quiet", text: run.name });
    return { run, title, list: add(box, "ol", { class: "chips" }) };
  });
  let timer = 0;

  async function cut() {
    const text = input.value;
    if (!text) return;
    for (const { run, title, list } of rows) {
      const answer = await ask("tokenize", { text, run_id: run.run_id });
      if (text !== input.value) return;
      list.replaceChildren();
      if (answer.error) {
        title.textContent = `${run.name}: ${answer.error.message}`;
        continue;
      }
      title.textContent = `${run.name}: ${whole(answer.count)} tokens of a vocabulary of ${whole(answer.vocab_size)}`;
      for (const token of answer.tokens) {
        add(list, "li", { class: `c${token.id % COLOURS}`, text: token.text });
      }
    }
  }

  input.oninput = () => {
    clearTimeout(timer);
    timer = window.setTimeout(cut, LATER);
  };
  cut();
}
