/** Heads switched off: what becomes of the losses and of the next token. */
import { add } from "../../lib/dom.js";
import { probability, visible } from "../../lib/format.js";
import { listed, quoted } from "./words.js";

/**
 * @typedef {import("./words.js").Schema} Schema
 * @typedef {Schema["Ablation"]} Ablation
 */

const MOST_TOKENS = 8; // that are drawn
const SMALL = 0.005; // nats per token that nobody notices
const LARGE = 0.2;

export class Without {
  #turn = 0;

  /** @param {import("./view.js").AttentionView} view */
  constructor(view) {
    this.view = view;
  }

  /** @param {string} name of a head */
  toggle(name) {
    const { off } = this.view;
    if (!off.delete(name)) off.add(name);
    this.#changed();
  }

  #changed() {
    this.view.grid.mark();
    this.view.card.draw();
    this.load();
  }

  /** All heads are on again. */
  reset() {
    this.view.off.clear();
    this.load();
  }

  async load() {
    const { part, seen, off, ask } = this.view;
    this.#turn += 1;
    const turn = this.#turn;
    const heads = [...off].map((name) => {
      const [layer, head] = name.split(".").map(Number);
      return { layer, head };
    });
    this.#list();
    part("off-hint").hidden = heads.length > 0;
    if (!heads.length || !seen) return this.#clear();
    part("off-said").textContent = "Measuring without it…";
    const answer = await ask("ablate", { ...seen.chosen, text: seen.text, heads });
    if (turn !== this.#turn) return;
    if (answer) this.#draw(answer);
    else this.#clear();
  }

  #clear() {
    const { part } = this.view;
    part("off-said").textContent = "";
    part("off-losses").replaceChildren();
    part("off-odds").replaceChildren();
  }

  #list() {
    const list = this.view.part("off-list");
    list.replaceChildren();
    for (const name of [...this.view.off].sort()) {
      const button = add(list, "button", { type: "button", text: `${name} on again` });
      button.setAttribute("aria-label", `Head ${name} on again`);
      button.onclick = () => this.toggle(name);
    }
    if (!this.view.off.size) return;
    const all = add(list, "button", { type: "button", text: "All on again" });
    all.onclick = () => {
      this.view.off.clear();
      this.#changed();
    };
  }

  /** @param {Ablation} answer */
  #draw(answer) {
    const { part, off } = this.view;
    const said = [lossSaid(answer, [...off].sort()), nextSaid(answer.next)].filter(Boolean);
    part("off-said").textContent =
      `${said.join(" ")} The maps above remain those of the whole model.`;
    part("off-losses").replaceChildren();
    drawTable(part("off-losses"), answer);
    part("off-odds").replaceChildren();
    drawBars(part("off-odds"), answer.next);
  }
}

/**
 * What becomes of the validation loss.
 *
 * @param {Pick<Ablation, "validation" | "validation_without">} answer
 * @param {string[]} names of the heads that are off
 */
export function lossSaid({ validation, validation_without: without }, names) {
  if (validation === null || without === null) return "";
  const change = without - validation;
  const who = `Without head${names.length > 1 ? "s" : ""} ${listed(names)} the validation loss`;
  if (Math.abs(change) < SMALL) {
    return `${who} hardly changes (${signed(change)} nats per token): the model does without.`;
  }
  if (change < 0) {
    return `${who} even falls by ${(-change).toFixed(2)} nats per token: here it does harm.`;
  }
  const relies = change > LARGE ? ", the model relies on this" : "";
  const likely = `the right token becomes ${Math.exp(change).toFixed(2)} times less likely`;
  const to = `by ${change.toFixed(2)} to ${without.toFixed(2)} nats per token`;
  return `${who} rises ${to}: ${likely}${relies}.`;
}

/** What becomes of the likeliest next token. @param {Schema["ChangedOdds"][]} next */
export function nextSaid(next) {
  const [first] = [...next].sort((a, b) => b.odds - a.odds);
  const [after] = [...next].sort((a, b) => b.odds_without - a.odds_without);
  const before = probability(first.odds);
  const now = probability(first.odds_without);
  if (first.id === after.id) {
    const stays = `The likeliest next token stays ${quoted(first.text)}`;
    return `${stays}, ${before} before and ${now} after.`;
  }
  const was = `The likeliest next token was ${quoted(first.text)} (${before}, now ${now})`;
  return `${was}; it becomes ${quoted(after.text)} (${probability(after.odds_without)}).`;
}

/** @param {number} change */
const signed = (change) => `${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(3)}`;

/** @param {HTMLElement} place @param {Ablation} answer */
function drawTable(place, answer) {
  const rows = [["nats per token", "all heads", "without", "change"]];
  /** @param {string} name @param {number | null} before @param {number | null} after */
  const row = (name, before, after) => {
    if (before === null || after === null) return;
    rows.push([name, before.toFixed(3), after.toFixed(3), signed(after - before)]);
  };
  row("Validation loss", answer.validation, answer.validation_without);
  row("Loss of your text", answer.loss, answer.loss_without);
  const table = add(place, "table");
  rows.forEach((texts, i) => {
    const line = table.insertRow();
    texts.forEach((text, j) => {
      const cell = add(line, i && j ? "td" : "th", { text });
      cell.setAttribute("scope", i ? "row" : "col");
    });
  });
}

/** @param {HTMLElement} place @param {Schema["ChangedOdds"][]} next */
function drawBars(place, next) {
  const greatest = (/** @type {Schema["ChangedOdds"]} */ one) =>
    Math.max(one.odds, one.odds_without);
  const shown = next.filter((one, i) => i < 3 || greatest(one) >= 0.001).slice(0, MOST_TOKENS);
  const widest = Math.max(...shown.map(greatest)) || 1;
  const text = "The next token after your text: filled with all heads, outlined without.";
  add(place, "p", { class: "hint", text });
  for (const { text: token, odds, odds_without: without } of shown) {
    const row = add(place, "div", { class: "pair" });
    add(row, "code", { text: visible(token) });
    const pair = add(row, "span");
    add(pair, "i", { class: "before" }).style.width = `${(100 * odds) / widest}%`;
    add(pair, "i", { class: "after" }).style.width = `${(100 * without) / widest}%`;
    add(row, "span", { text: `${probability(odds)} → ${probability(without)}` });
  }
}
