/**
 * A sentence cut by three tokenizers: bars of characters per token choose whose chips are shown.
 */
import { add, partsOf } from "../../../lib/dom.js";
import { whole } from "../../../lib/format.js";
import { followText, seeker } from "../asking.js";
import { seen, showChips } from "../chips.js";

/**
 * @typedef {import("../../../lib/store.js").Schema["ComparedTokenizers"]} Compared
 * @typedef {Compared["ways"][number]} Way
 */

const MOST_CHIPS = 600;
const MOST_CHARACTERS = 2000; // that the endpoint takes
/** @type {Record<string, [string, (size: string) => string]>} */
const NAMES = {
  char: ["Characters", (size) => `${size} in this text`],
  bpe: ["Byte pairs of this text", (size) => `${size} tokens, learned from its beginning`],
  gpt2: ["GPT-2", (size) => `${size} tokens, from the web`],
};
/** @type {Record<string, Way["name"]>} */
const OF_SETTINGS = { char: "char", bpe: "bpe", pretrained: "gpt2" };
/** @type {Record<string, number>} */
const MOVES = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

/** The characters that a tokenizer has no token for. @param {Way} way */
function missing({ tokens, unknown }) {
  if (!unknown.length) return "";
  const count = tokens.filter((token) => token.id === null).length;
  const few = unknown.slice(0, 5).map((text) => `“${seen({ text, whole: true })}”`);
  const more = unknown.length > few.length ? " …" : "";
  const characters = count === 1 ? "character" : "characters";
  return `, and ${whole(count)} ${characters} it does not know: ${few.join(" ")}${more}`;
}

/**
 * @param {HTMLElement} element
 * @param {import("../../../types/view").Gradio} gradio `settings` of a text, by name
 */
export function mount(element, { props }) {
  const part = partsOf(element);
  let answer = /** @type {Compared | null} */ (null);
  let chosen = /** @type {Way["name"]} */ ("bpe");
  let cutOff = 0;

  /** @param {Compared} given */
  function show(given) {
    // Another tokenizer in the settings is the one to look at.
    if (answer?.tokenizer !== given.tokenizer) chosen = OF_SETTINGS[given.tokenizer] || chosen;
    answer = given;
    draw(given);
    const counts = given.ways
      .filter((way) => !way.said)
      .map((way) => `${NAMES[way.name][0]} ${whole(way.count)}`);
    const rest = cutOff ? ` The last ${whole(cutOff)} characters are left out.` : "";
    part("summary").textContent =
      `${whole(given.characters)} characters, ${whole(given.bytes)} bytes. ` +
      `Tokens: ${counts.join(", ")}.${rest}`;
  }

  /** @param {Compared} given */
  function draw({ ways, tokenizer }) {
    const most = Math.max(...ways.map((way) => way.characters_per_token || 0), 1);
    const there = ways.filter((way) => !way.said);
    const way = there.find(({ name }) => name === chosen) || there[0];
    chosen = way.name;
    part("ways").replaceChildren();
    for (const one of ways) addWay(one, most, OF_SETTINGS[tokenizer] === one.name);
    showChips(part("chips"), way.tokens.slice(0, MOST_CHIPS));
    const rest = way.tokens.length - MOST_CHIPS;
    part("more").textContent = rest > 0 ? `… and ${whole(rest)} more tokens.` : "";
  }

  /** @param {Way} way @param {number} most @param {boolean} isOfSettings */
  function addWay(way, most, isOfSettings) {
    const button = add(part("ways"), "button", { class: "way", type: "button" });
    const isChosen = way.name === chosen;
    button.role = "radio";
    button.ariaChecked = String(isChosen);
    button.tabIndex = isChosen ? 0 : -1;
    button.dataset.way = way.name;
    const [title, about] = NAMES[way.name];
    const mine = isOfSettings ? " · what the settings choose" : "";
    const name = add(button, "span", { class: "name", text: title });
    add(name, "small", { text: way.said ? "" : about(whole(way.vocab_size)) + mine });
    if (way.said) {
      button.disabled = true;
      add(button, "span", { class: "said", text: way.said });
      return;
    }
    const density = way.characters_per_token || 0;
    const track = add(button, "span", { class: "track" });
    track.ariaHidden = "true";
    add(track, "i").style.width = `${(100 * density) / most}%`;
    const numbers = add(button, "span", { class: "numbers" });
    add(numbers, "b", { text: density.toFixed(2) });
    numbers.append(" characters per token ");
    add(numbers, "small", { text: `${whole(way.count)} tokens${missing(way)}` });
    button.onclick = () => choose(way.name);
  }

  /** @param {Way["name"]} name */
  function choose(name) {
    if (!answer) return;
    chosen = name;
    draw(answer);
    part("ways").querySelector('[aria-checked="true"]').focus();
  }

  // One stop for the keyboard, arrows in between, as the ARIA pattern for radio buttons has it.
  part("ways").onkeydown = (/** @type {KeyboardEvent} */ event) => {
    const step = MOVES[event.key];
    if (!step || !answer) return;
    event.preventDefault();
    const there = answer.ways.filter((way) => !way.said).map((way) => way.name);
    choose(there[(there.indexOf(chosen) + step + there.length) % there.length]);
  };

  function clear() {
    answer = null;
  }

  const { want } = seeker("compare_tokenizers", element, part, { show, clear });
  followText(element, props.settings, (text, data) => {
    cutOff = Math.max(0, text.length - MOST_CHARACTERS);
    if (answer) part("all").hidden = !text;
    if (text) want({ ...data, text: text.slice(0, MOST_CHARACTERS) });
    else part("waiting").hidden = true;
  });
}
