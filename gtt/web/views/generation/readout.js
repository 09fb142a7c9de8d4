/**
 * What is known of one token: its odds, its rank, its surprise beside what was to be expected, and
 * what was likelier.
 *
 * @typedef {import("./tokens.js").Token} Token
 */
import { add } from "../../lib/dom.js";
import { oneIn, visible, whole } from "../../lib/format.js";
import { addBar, setBar } from "./bars.js";
import { addWhy } from "./explaining.js";
import { inUnit } from "./tokens.js";

/** @param {string} text */
export const quoted = (text) => `“${visible(text)}”`;

/** @param {number} n */
export function ordinal(n) {
  const isTeen = n % 100 > 10 && n % 100 < 14;
  return `${whole(n)}${(!isTeen && ["th", "st", "nd", "rd"][n % 10]) || "th"}`;
}

/** @param {number} share */
function precise(share) {
  if (share >= 0.001) return `${(100 * share).toPrecision(3)} %`;
  return share === 0 ? "0 %" : share.toExponential(1);
}

/** @param {{ surprise: number, entropy: number, rank: number }} token */
export function compared({ surprise, entropy, rank }) {
  const more = surprise - entropy;
  if (rank === 1) {
    const isLucky = more > 0.5;
    return `The likeliest token, ${isLucky ? "though the model was not sure" : "as expected"}.`;
  }
  if (more > 2) {
    return `Far more surprising than was to be expected: ${rank - 1} other tokens were likelier.`;
  }
  if (more > 0.5) return "More surprising than was to be expected.";
  return "About as surprising as was to be expected: several tokens were possible here.";
}

/**
 * A number with its name; `means` says what it comes to, where it stands.
 *
 * @param {HTMLElement} parent
 * @param {string} name
 * @param {string} value
 * @param {string} part
 * @param {{ concept?: string, means?: string }} [more]
 */
export function addFigure(parent, name, value, part, { concept = "", means = "" } = {}) {
  const box = add(parent, "div", { class: "figure" });
  const label = add(box, "span", { class: "name", text: concept ? `${name} ` : name });
  if (concept) addWhy(label, concept);
  add(box, "b", { text: value }).dataset.figure = part;
  if (means) add(box, "small", { class: "means", text: means });
}

/**
 * @param {HTMLElement} box
 * @param {import("./tokens.js").Look} look
 * @param {Token} token
 * @param {number} place
 * @param {number} count
 * @param {((id: number, text: string) => void) | null} branch offered for each other token
 */
export function showReadout(box, look, token, place, count, branch) {
  box.hidden = false;
  box.dataset.place = String(place);
  box.replaceChildren();
  const head = add(box, "p", { class: "which", text: "Token " });
  add(head, "b", { class: "mono", text: visible(token.text) });
  head.append(` · ${whole(place + 1)} of ${whole(count)} · number ${token.id}`);
  const { surprise, entropy, rank, odds, alternatives } = token;
  if (surprise === null || entropy === null || rank === null || odds === null) {
    const nothing = "Nothing stands before the first token, so the model gave it no odds.";
    add(box, "p", { class: "small", text: nothing });
    return;
  }
  const figures = add(box, "div", { class: "numbers" });
  addFigure(figures, "Odds", precise(odds), "odds");
  addFigure(figures, "Rank", ordinal(rank), "rank");
  const right = `one right guess in ${oneIn(surprise)}`;
  addFigure(figures, "Surprise", inUnit(look, surprise), "surprise", {
    concept: "surprise",
    means: right,
  });
  const between = `as between ${oneIn(entropy)} tokens`;
  addFigure(figures, "Expected", inUnit(look, entropy), "expected", {
    concept: "entropy",
    means: between,
  });
  add(box, "p", { class: "small", text: compared({ surprise, entropy, rank }) });
  const way = " Choose another token to branch: the text is written anew from it.";
  add(box, "p", { class: "small hint", text: `What was likely here.${branch ? way : ""}` });
  const bars = add(box, "div", { class: "bars short" });
  const isListed = alternatives.some(({ id }) => id === token.id);
  const own = { id: token.id, text: token.text, odds };
  for (const { id, text, odds: before } of isListed ? alternatives : [...alternatives, own]) {
    const row = addBar(bars);
    const came = id === token.id;
    setBar(row, { text, before, came });
    row.disabled = came || !branch;
    if (came || !branch) continue;
    row.title = `Write on with ${quoted(text)} instead`;
    row.onclick = () => branch(id, text);
  }
}
