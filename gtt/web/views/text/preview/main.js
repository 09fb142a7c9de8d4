/** What a text is before a model is trained on it. */
import { add, partsOf } from "../../../lib/dom.js";
import { whole } from "../../../lib/format.js";
import { turn } from "../../../lib/store.js";
import { followText, seeker } from "../asking.js";
import { seen } from "../chips.js";
import { bytes, countedOver, examWords, heldBack, meaning, sizes } from "./words.js";

/** @typedef {import("./words.js").Preview} Preview */

const TASKS = ["copy", "reverse", "addition", "induction"]; // whose exam is a table
const PREPARED = ["running", "completed"]; // states of a run whose text is prepared

/**
 * @param {HTMLElement} element
 * @param {import("../../../types/view").Gradio} gradio `settings` of a text, by name
 */
export function mount(element, { props }) {
  const part = partsOf(element);
  let prepared = ""; // the run that is known to have prepared its text

  /** @param {Preview} text */
  function show(text) {
    const isCounted = text.counted !== "nothing";
    part("title").textContent = text.title;
    part("counted").textContent = countedOver(text);
    part("said").hidden = !text.said;
    part("said").textContent = text.said;
    showFigures(part("figures"), text);
    part("means").textContent = isCounted ? meaning(text) : "";
    for (const name of ["figures", "sides", "halves"]) part(name).hidden = !isCounted;
    part("beginning").textContent = text.beginning;
    part("beginning").scrollTop = 0;
    part("frequent-side").hidden = !text.frequent.length;
    showFrequent(part("frequent"), text);
    showParts(part, text);
    showExam(part, text.exam);
    part("notes").replaceChildren();
    for (const note of text.notes) add(part("notes"), "li", { text: note });
  }

  const { want, again } = seeker("preview", element, part, { show, clear: () => {} });
  turn.follow(element, (run) => {
    const id = run?.id || "";
    if (!PREPARED.includes(run?.state || "") || id === prepared) return;
    prepared = id; // it knows more of its text
    again();
  });
  followText(element, props.settings, (_, data) => {
    part("text").classList.toggle("task", TASKS.includes(String(data.source)));
    want(data);
  });
}

/** @param {HTMLElement} list @param {Preview} text */
function showFigures(list, text) {
  const { characters, tokens, documents, vocab_size: vocabulary } = text;
  const each = tokens ? `${((characters || 0) / tokens).toFixed(2)} characters each` : "";
  /** @type {[string, number | null, string][]} */
  const figures = [
    ["Characters", characters, ""],
    ["Bytes", text.bytes, text.bytes ? bytes(text.bytes) : ""],
    ["Lines", text.lines, documents ? `${whole(documents)} documents` : ""],
    ["Tokens", tokens, each],
    [
      "Distinct tokens",
      text.distinct_tokens,
      vocabulary ? `of ${whole(vocabulary)} in the vocabulary` : "",
    ],
  ];
  list.replaceChildren();
  for (const [name, value, more] of figures) {
    const box = add(list, "div");
    add(box, "dt", { text: name });
    const shown = add(box, "dd", { text: whole(value) });
    if (more) add(shown, "small", { text: more });
  }
}

/** @param {HTMLElement} list @param {Preview} text */
function showFrequent(list, { frequent, tokens }) {
  list.replaceChildren();
  for (const token of frequent) {
    const row = add(list, "li");
    const share = ((100 * token.count) / (tokens || 1)).toFixed(1);
    add(row, "span", { class: "text", text: seen(token), title: `token ${token.id}` });
    const bar = add(row, "span", { class: "bar" });
    bar.style.width = `${(100 * token.count) / frequent[0].count}%`;
    bar.ariaHidden = "true";
    add(row, "span", { class: "count", text: `${whole(token.count)} · ${share} %` });
  }
}

/** @param {ReturnType<typeof partsOf>} part @param {Preview} text */
function showParts(part, text) {
  const { train, validation } = text;
  const all = (train.bytes || 0) + (validation.bytes || 0);
  const share = all ? (validation.bytes || 0) / all : null;
  const [first, second] = part("split").children;
  part("split").hidden = share === null;
  first.style.flex = `${1 - (share || 0)} 1 0`;
  second.style.flex = `${share} 1 0`;
  part("train").textContent = sizes(train);
  part("valid").textContent = sizes(validation);
  part("where").textContent = heldBack(text, share);
  part("cut").hidden = !text.after_cut;
  part("before").textContent = `…${text.before_cut}`;
  part("after").textContent = `${text.after_cut}…`;
  part("before").scrollTop = part("before").scrollHeight;
}

/** @param {ReturnType<typeof partsOf>} part @param {Preview["exam"]} exam */
function showExam(part, exam) {
  part("exam").hidden = !exam;
  if (!exam) return;
  const isOpen = exam.answers.every((answer) => answer === null); // many answers are right
  const listed = exam.questions.map((question) => `“${question}”`).join(", ");
  part("exam-words").textContent = examWords(exam) + (isOpen ? ` ${listed}.` : "");
  part("table").hidden = isOpen;
  part("questions").replaceChildren();
  exam.questions.forEach((question, i) => {
    const row = add(part("questions"), "tr");
    add(row, "td", { text: question });
    add(row, "td", { text: exam.answers[i] || "" });
  });
}
