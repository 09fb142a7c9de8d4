/**
 * .
 */
import { add } from "../../lib/dom.js";
import { probability, visible } from "../../lib/format.js";
import { StripsView } from "./strips.js";
import { cutSaid, partBefore, placeOf, pointOf } from "./words.js";

/**
 * @typedef {import("./words.js").TokenPath} TokenPath
 * @typedef {import("./words.js").PathStep} PathStep
 * @typedef {object} Asked
 * @property {(place: number) => void} follow another token
 * @property {(spot: { step: string, row: number, column: number }) => void} workOut a number
 */

/** @type {Record<string, number>} */
const WAYS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
const HIGHEST = 90; // pixels of the longest bar of the stream

export class Steps {
  /** @type {TokenPath | null} */
  #path = null;
  #at = 0;

  /**
   * @param {HTMLElement} element
   * @param {(name: string) => any} part
   * @param {Asked} asked
   */
  constructor(element, part, { follow, workOut }) {
    this.part = part;
    this.follow = follow;
    this.workOut = (/** @type {import("./words.js").Spot} */ [row, column]) => {
      if (this.#path) workOut({ step: this.#path.steps[this.#at].name, row, column });
    };
    this.strips = new StripsView(element, part, this.workOut);
    part("back").onclick = () => this.#go(this.#at - 1, false);
    part("next").onclick = () => this.#go(this.#at + 1, false);
    part("all").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const way = WAYS[event.key];
      const isInList = part("list").contains(event.target);
      if (!way || !(isInList || part("step").contains(event.target))) return;
      event.preventDefault();
      this.#go(this.#at + way, isInList);
    });
  }

  /** @param {TokenPath | null} path */
  show(path) {
    const { part } = this;
    this.#path = path;
    part("all").hidden = !path;
    if (!path) return;
    part("cut").textContent = cutSaid(path.cut, path.tokens.length);
    const tokens = part("tokens");
    tokens.replaceChildren();
    path.tokens.forEach((token, place) => {
      const button = add(tokens, "button", { type: "button", text: visible(token) });
      button.setAttribute("aria-pressed", String(place === path.place));
      button.setAttribute("aria-label", `token ${place}: ${visible(token)}`);
      button.onclick = () => this.follow(place);
    });
    this.#at = Math.min(this.#at, path.steps.length - 1);
    const list = part("list");
    list.replaceChildren();
    path.steps.forEach((step, i) => {
      const text = `${i + 1}. ${step.title}`;
      const button = add(add(list, "li"), "button", { type: "button", text });
      button.onclick = () => this.#go(i, false);
    });
    this.#showStep(path);
  }

  /** @param {number} to @param {boolean} isByKeys */
  #go(to, isByKeys) {
    const path = this.#path;
    if (!path) return;
    this.#at = Math.max(0, Math.min(path.steps.length - 1, to));
    this.#showStep(path);
    const list = this.part("list");
    const button = list.children[this.#at].firstChild;
    if (isByKeys) button.focus();
    // The list scrolls sideways on a phone; the page stays where it is.
    if (list.scrollWidth > list.clientWidth) {
      list.scrollLeft = button.offsetLeft - list.offsetLeft - 20;
    }
  }

  /** @param {TokenPath} path */
  #showStep(path) {
    const { part } = this;
    const step = path.steps[this.#at];
    [...part("list").children].forEach((item, i) => {
      if (i === this.#at) item.firstChild.setAttribute("aria-current", "step");
      else item.firstChild.removeAttribute("aria-current");
    });
    part("back").disabled = this.#at === 0;
    part("next").disabled = this.#at === path.steps.length - 1;
    part("count").textContent = `Step ${this.#at + 1} of ${path.steps.length}`;
    for (const name of /** @type {const} */ (["title", "name", "formula", "numbers"])) {
      part(name).textContent = step[name];
    }
    // The formula with the actual numbers, for the number that the strips mark.
    const worked = part("worked");
    const place = placeOf(step, path.tokens, [step.row, step.column]);
    worked.replaceChildren();
    add(worked, "span", { class: "spot", text: `${place}: ` });
    worked.append(step.worked);
    const isOdds = step.columns === "candidates";
    for (const name of ["vectors", "legend", "read"]) part(name).hidden = isOdds;
    part("candidates").hidden = !isOdds;
    if (isOdds) this.#showCandidates(step);
    else this.strips.show(step, path);
    this.#showStream(step, path.stream);
  }

  /** @param {PathStep} step */
  #showCandidates(step) {
    const list = this.part("candidates");
    const hadFocus = list.contains(document.activeElement);
    const all = step.rows[0].map((odds) => odds ?? 0);
    const most = Math.max(...all);
    list.replaceChildren();
    all.forEach((odds, i) => {
      const item = add(list, "li");
      const more = { class: "word", type: "button", title: "Work out these odds" };
      const word = add(item, "button", { ...more, text: visible(step.texts[i] || "") });
      word.setAttribute("aria-pressed", String(i === step.column));
      word.onclick = () => this.workOut([0, i]);
      add(item, "span", { class: "odds" }).style.width = `${(100 * odds) / most}%`;
      add(item, "span", { class: "share", text: probability(odds) });
    });
    if (hadFocus) list.children[step.column].querySelector("button").focus();
  }

  /** @param {PathStep} step @param {TokenPath["stream"]} stream */
  #showStream(step, stream) {
    const place = this.part("stream");
    const names = stream.map(({ name }) => name);
    const here = pointOf(step.name, names);
    const most = Math.max(...stream.map(({ length }) => length)) || 1;
    place.replaceChildren();
    stream.forEach(({ name, length }, i) => {
      const one = add(place, "div", { class: i === here ? "here" : "" });
      if (i === here) one.setAttribute("aria-current", "true");
      add(one, "span", { text: length.toFixed(2) });
      add(one, "i").style.height = `${Math.max(2, (HIGHEST * length) / most)}px`;
      add(one, "span", { text: partBefore(name), title: name });
    });
  }
}
