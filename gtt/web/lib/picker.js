/**
 * Which run and which checkpoint a view looks at: two lists that keep up with the desk's runs.
 *
 * @typedef {import("./store.js").RunInfo} RunInfo
 * @typedef {import("./store.js").Schema["CheckpointInfo"]} Checkpoint
 * @typedef {{ run: string | null, checkpoint: string, step: number | null, lack: string }} Mark
 * @typedef {"run" | "checkpoint" | "news"} Why another run is looked at, another checkpoint that a
 *   person chose, or the best or the newest of the same run is another one now
 */
import { newest } from "./asking.js";
import { stateInWords, whole } from "./format.js";
import { isActive, readRuns, runs, wanted } from "./store.js";

export class Picker {
  /** The desk's runs, null before they are known. @type {RunInfo[] | null} */
  list = null;
  /** The run's checkpoints. @type {Checkpoint[]} */
  kept = [];
  isByHand = false; // a run that a person chose stays when the page moves on to a new one
  /** @type {string | null} */
  #keptOf = null;
  /** @type {string | null} */
  #wanted = null;
  /** @type {Mark | null} */
  #mark = null;
  #state = "";
  #fills = 0; // how often the checkpoints were asked for
  #isDue = true; // the run that is wanted is still to be read
  #ask = newest(() => {});

  /**
   * @param {HTMLSelectElement} runList
   * @param {HTMLSelectElement} checkpointList
   * @param {(why: Why) => void} changed called whenever another model is to be looked at
   * @param {{ followsPage?: boolean }} [more] whether it moves on with the run of the page; if
   *   not, it begins with `follow`
   */
  constructor(runList, checkpointList, changed, { followsPage = true } = {}) {
    this.runList = runList;
    this.checkpointList = checkpointList;
    this.changed = changed;
    // As wide whatever is chosen: what a run is at must not move what stands beside it.
    runList.classList.add("of-runs");
    checkpointList.classList.add("of-checkpoints");
    runList.onchange = () => {
      this.isByHand = true;
      this.#fill();
    };
    checkpointList.onchange = () => this.#settle();
    runs.follow(runList, () => {
      if (this.list || followsPage) this.#hear();
    });
    // What happened while another tab was open.
    new IntersectionObserver((entries) => {
      if (entries[entries.length - 1].isIntersecting && this.list) this.#fill();
    }).observe(runList);
    if (!followsPage) return;
    this.#wanted = wanted.value;
    wanted.follow(runList, (run) => this.#turn(run));
    // When what `changed` needs has been made.
    queueMicrotask(() => (runs.isKnown ? this.follow(wanted.value) : readRuns()));
  }

  /** The id of the run, null where there is none. */
  get run() {
    return this.runList.value || null;
  }

  get checkpoint() {
    return this.checkpointList.value || "best";
  }

  /** The step that is looked at, null where there is none. */
  get step() {
    const { checkpoint } = this;
    if (!this.kept.length) return null;
    if (checkpoint === "latest") return Math.max(...this.kept.map((one) => one.step));
    if (checkpoint === "best") return this.kept.find((one) => one.best)?.step ?? null;
    return Number(checkpoint);
  }

  /** All steps with a checkpoint, as one text. */
  get steps() {
    return this.kept.map((one) => one.step).join();
  }

  /** The run and the checkpoint as a request names them. */
  get chosen() {
    const { run, checkpoint } = this;
    return run ? { run_id: run, checkpoint } : { checkpoint };
  }

  get info() {
    return this.list?.find((one) => one.id === this.run) || null;
  }

  /** Whether the run is at work or waits for it. */
  get isActive() {
    return isActive(this.info);
  }

  get isSeen() {
    return !document.hidden && this.runList.checkVisibility();
  }

  /** Why there is nothing to look into; empty where there is something. */
  get lack() {
    if (!this.run || this.kept.length) return "";
    const { info } = this;
    const name = info ? `“${info.name}”` : "This run";
    return this.isActive || !info
      ? `${name} has saved no checkpoint yet: this comes by itself with its first one.`
      : `${name} has no checkpoint: choose another run.`;
  }

  /**
   * Looks at a run, unless a person chose one; done when its checkpoints are known.
   *
   * @param {string | null} run
   */
  async follow(run) {
    this.#wanted = run;
    this.#show();
    await this.#fill();
  }

  /** Chooses a run as a person would. @param {string} run */
  async chooseRun(run) {
    this.runList.value = run;
    this.isByHand = true;
    await this.#fill();
  }

  /** Chooses a checkpoint as a person would. @param {string} checkpoint */
  chooseCheckpoint(checkpoint) {
    this.checkpointList.value = checkpoint;
    this.#settle();
  }

  /** The page looks at another run, which may not be listed yet. @param {string | null} run */
  #turn(run) {
    this.#wanted = run;
    this.#isDue = true;
    if (runs.value.some((one) => one.id === run)) this.#hear();
  }

  /** The desk's runs are read anew. */
  #hear() {
    const before = this.run;
    this.#show();
    const isOther = before !== this.run || (this.info?.state || "") !== this.#state;
    if (this.#isDue || (this.isSeen && (isOther || this.isActive))) this.#fill();
  }

  #show() {
    const before = this.run;
    const named = runs.value.map((run) => [run.id, nameOf(run)]);
    const stays = this.isByHand && before;
    this.list = runs.value;
    setOptions(
      this.runList,
      named.length ? named : [["", "no run yet"]],
      stays || this.#wanted || before,
    );
  }

  async #fill() {
    const { run } = this;
    this.#isDue = false;
    if (run !== this.#keptOf) {
      this.kept = [];
      this.#keptOf = run;
    }
    this.#state = this.info?.state || "";
    this.#fills += 1;
    const turn = this.#fills;
    if (!run) return this.#lay([]);
    const answer = await this.#ask("checkpoints", { run_id: run }, { quiet: true });
    if (turn !== this.#fills) return; // asked again meanwhile: that is no refusal
    if (answer) this.#lay(answer.checkpoints);
    else if (this.#mark === null) this.#settle();
  }

  /** @param {Checkpoint[]} kept */
  #lay(kept) {
    this.kept = kept;
    const steps = kept.map((one) => [String(one.step), `step ${whole(one.step)}`]);
    const named = kept.length
      ? [["best", "the best"], ["latest", "the newest"], ...steps]
      : [["best", "no checkpoint yet"]];
    setOptions(this.checkpointList, named, this.checkpoint); // what was chosen stays chosen
    this.#settle();
  }

  #settle() {
    const { run, checkpoint, step, lack } = this;
    const before = this.#mark;
    this.#mark = { run, checkpoint, step, lack };
    if (!before || before.run !== run) this.changed("run");
    else if (before.checkpoint !== checkpoint) this.changed("checkpoint");
    else if (before.step !== step || before.lack !== lack) this.changed("news");
  }
}

/**
 * A run by its name, what it is where the name does not say so, and how it stands.
 *
 * @param {RunInfo} run
 */
export function nameOf(run) {
  const isTold = !run.text || run.name.toLowerCase().includes(run.text.toLowerCase());
  const what = isTold ? "" : `${run.text}, ${run.tokenizer}`;
  return [run.name, what, stateInWords(run.state)].filter(Boolean).join(" · ");
}

/**
 * Makes the options of a list, each `[value, text]`, and chooses one; those that are there stay.
 *
 * @param {HTMLSelectElement} list
 * @param {string[][]} named
 * @param {string | null} value
 */
export function setOptions(list, named, value) {
  const { options } = list;
  const isSame =
    options.length === named.length && named.every(([id], i) => options[i].value === id);
  if (!isSame) list.replaceChildren(...named.map(([id, text]) => new Option(text, id)));
  else
    named.forEach(([, text], i) => {
      if (options[i].text !== text) options[i].text = text;
    });
  const chosen = named.some(([id]) => id === value) ? value : named[0][0];
  if (chosen !== null && list.value !== chosen) list.value = chosen;
}
