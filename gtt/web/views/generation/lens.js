/**
 * What each layer would have said: a table of layers and the last places.
 *
 * @typedef {import("../../types/ask").Answer<"logit_lens">} Answer
 */
import { newest } from "../../lib/asking.js";
import { add } from "../../lib/dom.js";
import { probability, visible, whole } from "../../lib/format.js";
import { ordinal, quoted } from "./readout.js";

const PLACES = 24;
const LISTED = 5;
const SOON = 300; // milliseconds
const FAILED =
  "The layers cannot be read now: the checkpoint may be gone, or the server busy. Try again in a " +
  "moment.";
/** @type {Record<string, [number, number]>} */
const MOVES = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

export class Lens {
  #bench;
  #shown = ""; // what the table is of
  #timer = 0;
  #ask = newest(() => {});

  /** @param {import("./bench.js").Bench} bench */
  constructor(bench) {
    this.#bench = bench;
    bench.part("lens-part").addEventListener("toggle", () => this.changed());
  }

  /** Another model is asked. */
  forget() {
    this.#shown = "";
  }

  /** Another text may be looked at. */
  changed() {
    clearTimeout(this.#timer);
    if (!this.#bench.part("lens-part").open) return;
    this.#timer = window.setTimeout(() => this.#draw(), SOON);
  }

  /** The text up to the token that is looked at, or all of it, or the prompt. */
  get #text() {
    const { odds, part, texts } = this.#bench;
    const sample = texts.chosen;
    if (!sample || odds.kind === "prompt")
      return { text: part("prompt").value, name: "the prompt" };
    const all = { text: sample.prompt + sample.text, name: "the text" };
    const { token } = odds;
    if (odds.kind !== "token" || !token || !sample.reading || sample.skipped) return all;
    const pieces = sample.reading.tokens.map(({ text }) => text);
    if (!pieces.join("").startsWith(all.text)) return all; // bytes of a character
    const text = pieces.slice(0, token.place + 1).join("");
    return { text, name: `the text up to ${quoted(token.text)}` };
  }

  async #draw() {
    const { part, picker } = this.#bench;
    const { text, name } = this.#text;
    const mark = JSON.stringify([picker.chosen, text]);
    const of = part("lens-of");
    if (!text) of.textContent = "Write a prompt first.";
    if (!text || mark === this.#shown) return;
    const values = { ...picker.chosen, text, positions: PLACES, count: LISTED };
    const answer = await this.#ask("logit_lens", values);
    if (!answer) {
      of.textContent = FAILED;
      return;
    }
    this.#shown = mark;
    const cut = answer.cut ? ` ${whole(answer.cut)} before the block were cut.` : "";
    of.textContent = `The last ${whole(answer.places.length)} tokens of ${name}.${cut}`;
    const box = part("lens");
    box.replaceChildren();
    addTable(box, answer, (words) => {
      part("lens-said").textContent = words;
    });
    box.scrollLeft = box.scrollWidth;
  }
}

/** @param {string} name @param {number} number @param {number} count */
function layerName(name, number, count) {
  if (name === "embed") return "embedding";
  return `layer ${number - 1}${number === count - 1 ? ", the last" : ""}`;
}

/** @param {HTMLElement} box @param {Answer} answer @param {(words: string) => void} say */
function addTable(box, { layers, places, tokens }, say) {
  const table = add(box, "table", { class: "lens" });
  table.ariaLabel = "Likeliest next token by layer and place";
  const head = add(add(table, "thead"), "tr");
  add(head, "th", { text: "after" });
  for (const place of places) {
    add(head, "th", { class: "mono", text: visible(tokens[place]) }).scope = "col";
  }
  const firsts = places.map((_, column) =>
    layers.findIndex(({ final_rank: rank }) => rank[column] === 1),
  );
  const body = add(table, "tbody");
  const cells = layers.map((layer, number) => {
    const row = add(body, "tr");
    const name = layerName(layer.name, number, layers.length);
    add(row, "th", { text: name }).scope = "row";
    return layer.likeliest.map((listed, column) => {
      const [{ text, odds }] = listed;
      const isFirst = firsts[column] === number;
      const cell = add(row, "td", { class: isFirst ? "mono first" : "mono", text: visible(text) });
      cell.style.setProperty("--s", odds.toFixed(3));
      cell.tabIndex = -1;
      const first = isFirst ? ", the final answer, first here" : "";
      cell.ariaLabel = `${visible(text)}, ${probability(odds)}${first}`;
      const tell = () => {
        const top = listed.map((one) => `${quoted(one.text)} ${probability(one.odds)}`).join(", ");
        const rank = ordinal(layer.final_rank[column]);
        const share = probability(layer.final_odds[column]);
        say(
          `${name}, after ${quoted(tokens[places[column]])}: ${top}. The model’s final answer ` +
            `stands ${rank} here, with ${share}.` +
            (isFirst ? " Here it is first for the first time." : ""),
        );
      };
      cell.onfocus = tell;
      cell.onpointerenter = tell;
      cell.onclick = () => cell.focus();
      return cell;
    });
  });
  const last = cells.at(-1)?.at(-1);
  if (last) last.tabIndex = 0;
  table.onkeydown = (event) => moveIn(cells, event);
}

/**
 * One stop for the keyboard; arrows go from cell to cell.
 *
 * @param {HTMLElement[][]} cells
 * @param {KeyboardEvent} event
 */
function moveIn(cells, event) {
  const move = MOVES[event.key];
  if (!move) return;
  const from = /** @type {HTMLElement} */ (event.target);
  const y = cells.findIndex((row) => row.includes(from));
  const x = cells[y]?.indexOf(from) ?? -1;
  event.preventDefault();
  const to = x < 0 ? null : cells[y + move[0]]?.[x + move[1]];
  if (!to) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}
