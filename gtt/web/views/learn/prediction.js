/**
 * The question of a step, as a form; and once it is answered, the answer with its mark.
 *
 * @typedef {import("../../lib/lessons.js").Step} Step
 * @typedef {NonNullable<Step["predict"]>} Prediction
 */
import { add } from "../../lib/dom.js";
import { predict } from "../../lib/lessons.js";
import { writeLine, writeProse } from "../../lib/prose.js";
import { CurveSketch } from "./sketch.js";

const OPEN = "Kept. What is right shows once it is measured.";
const MARKS = { right: "Right.", wrong: "Not so.", open: OPEN };

/** @param {HTMLElement} place @param {Step} step */
export function drawPrediction(place, step) {
  place.replaceChildren();
  const prediction = step.predict;
  if (!prediction) return;
  if (prediction.answer === null) drawForm(place, step.id, prediction);
  else drawAnswer(place, prediction);
}

/** @param {HTMLElement} place @param {string} step @param {Prediction} prediction */
function drawForm(place, step, prediction) {
  const form = add(place, "form");
  form.noValidate = true; // it is told below, where it stays
  const fields = add(form, "fieldset");
  writeLine(add(fields, "legend"), prediction.question);
  const read =
    prediction.kind === "choice"
      ? drawOptions(fields, prediction)
      : prediction.kind === "number"
        ? drawNumber(fields, prediction)
        : drawSketch(fields, prediction);
  const button = add(form, "button", { class: "primary", text: "That is my guess" });
  const words = add(form, "p", { class: "quiet" });
  words.setAttribute("role", "status");
  form.onsubmit = (event) => {
    event.preventDefault();
    const value = read();
    if (typeof value === "string") {
      words.textContent = value;
      return;
    }
    button.disabled = true;
    predict(step, value).finally(() => {
      button.disabled = false;
    });
  };
}

/** @param {HTMLElement} fields @param {Prediction} prediction */
function drawOptions(fields, prediction) {
  const inputs = prediction.options.map((text, i) => {
    const label = add(fields, "label");
    const input = add(label, "input", { type: "radio" });
    input.name = "option";
    input.value = String(i);
    writeLine(add(label, "span"), text);
    return input;
  });
  return () => {
    const chosen = inputs.findIndex((input) => input.checked);
    return chosen < 0 ? "Choose one of the answers first." : chosen;
  };
}

/** @param {HTMLElement} fields @param {Prediction} prediction */
function drawNumber(fields, prediction) {
  const { low, high, unit } = prediction;
  const label = add(fields, "label");
  const input = add(label, "input", { type: "number" });
  input.min = String(low);
  input.max = String(high);
  input.step = "any";
  input.inputMode = "decimal";
  add(label, "span", { text: `${unit}, from ${low} to ${high}` });
  return () => {
    const value = Number.parseFloat(input.value);
    const isFine = Number.isFinite(value) && value >= (low ?? 0) && value <= (high ?? 0);
    return isFine ? value : `Give a number from ${low} to ${high}.`;
  };
}

/** @param {HTMLElement} fields @param {Prediction} prediction */
function drawSketch(fields, prediction) {
  const sketch = new CurveSketch(fields, prediction);
  return () => sketch.values;
}

/** @param {HTMLElement} place @param {Prediction} prediction */
function drawAnswer(place, prediction) {
  const { mark, answer, kind } = prediction;
  writeLine(add(place, "p", { class: "question" }), prediction.question);
  if (kind === "choice") {
    const list = add(place, "ul", { class: "answers" });
    prediction.options.forEach((text, i) => {
      const isRight = i === prediction.right_option;
      const isMine = i === answer;
      const item = add(list, "li", { class: isRight ? "right" : isMine ? "wrong" : "" });
      writeLine(item, text);
      if (isMine) add(item, "small", { text: " (your guess)" });
    });
  } else {
    const numbers = Array.isArray(answer) ? answer : [Number(answer)];
    const mine = numbers.map((value) => String(+value.toPrecision(4))).join(", ");
    const right = prediction.right ? ` Measured: ${prediction.right}.` : "";
    add(place, "p", { text: `Your guess: ${mine} ${prediction.unit}.${right}` });
  }
  const said = add(place, "div", { class: `mark ${mark}` });
  writeProse(said, `**${MARKS[mark || "open"]}** ${prediction.because || ""}`);
}
