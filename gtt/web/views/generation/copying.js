/** Is it copying? Runs that the training part has too, marked and listed. */
import { ask } from "../../lib/api.js";
import { add } from "../../lib/dom.js";
import { probability } from "../../lib/format.js";
import { longestRun, verdict } from "./copied.js";

const MOST_LISTED = 30;
const PARTLY = " Only a part of the training text could be looked through in time.";

export class Copying {
  #bench;

  /** @param {import("./bench.js").Bench} bench */
  constructor(bench) {
    this.#bench = bench;
    const { part } = bench;
    part("copy").onclick = () => this.#find();
    part("copy-part").addEventListener("toggle", () => {
      if (part("copy-part").open) this.#find();
    });
  }

  /** Another text is chosen. */
  changed() {
    const { part, texts } = this.#bench;
    const sample = texts.chosen;
    if (sample?.copies) return this.#show(sample, sample.copies);
    this.#clear("");
    if (part("copy-part").open && sample?.ids.length) this.#find();
  }

  /** @param {string} said */
  #clear(said) {
    const { part } = this.#bench;
    part("copies").replaceChildren();
    part("novelty").replaceChildren();
    part("copy-said").textContent = said;
  }

  async #find() {
    const { part, texts, writing } = this.#bench;
    const sample = texts.chosen;
    if (!sample) return this.#clear("Generate a text first.");
    if (writing.isBusy) return this.#clear("The text is still being written.");
    if (!sample.text.trim()) return this.#clear("Nothing was written after the prompt.");
    if (!sample.copies) {
      this.#clear("Looking through the training part …");
      part("copy").disabled = true;
      const answer = await ask("copies", { ...sample.of, text: sample.text });
      part("copy").disabled = false;
      if (answer.error) return this.#clear(answer.error.message);
      sample.copies = answer;
    }
    if (sample === texts.chosen) this.#show(sample, sample.copies);
    else this.changed();
  }

  /** @param {import("./texts.js").Sample} sample @param {import("./copied.js").Copies} found */
  #show(sample, found) {
    const { part, texts } = this.#bench;
    texts.markCopies(sample);
    this.#clear(`${longestRun(found)} ${verdict(found)}${found.whole ? "" : PARTLY}`);
    const { novel, novel_in_validation: other } = found;
    if (novel !== null) addShare(part("novelty"), "This text", novel);
    if (novel !== null && other !== null) addShare(part("novelty"), "Validation text", other);
    for (const { words, before, same, after } of found.runs.slice(0, MOST_LISTED)) {
      const item = add(part("copies"), "li");
      add(item, "small", { text: `${words} ${found.unit} ` });
      add(item, "span", { class: "around", text: `… ${before} ` });
      add(item, "mark", { text: same });
      add(item, "span", { class: "around", text: ` ${after} …` });
    }
  }
}

/** @param {HTMLElement} list @param {string} name @param {number} value */
function addShare(list, name, value) {
  const row = add(list, "div", { class: "share" });
  add(row, "span", { text: name });
  const track = add(row, "span", { class: "track" });
  add(track, "i", { class: "is" }).style.width = `${100 * value}%`;
  add(row, "span", { class: "value", text: `${probability(value)} new` });
}
