/** One token's way through a layer of a checkpoint, step by step, with its actual numbers. */
import { newest } from "../../lib/asking.js";
import { partsOf, tell } from "../../lib/dom.js";
import { Picker, setOptions } from "../../lib/picker.js";
import { Steps } from "./steps.js";

/**
 * @typedef {{ step: string, row: number, column: number }} Spot of the number that is worked out
 */

const WAIT = 250; // milliseconds after the last keystroke
const LAST = -1; // the place of the last token
const EMPTY = "The text is empty: write at least one character.";

/** @param {HTMLElement} element */
export function mount(element) {
  const part = partsOf(element);
  const say = (/** @type {string} */ sentence) => tell(part("said"), sentence);
  const ask = newest(say);
  let place = LAST;
  /** @type {Spot | null} */
  let spot = null;
  /** @type {string | null} */
  let shownRun = null;
  /** @type {string | null} */
  let layersOf = null;
  let timer = 0;

  const picker = new Picker(part("run"), part("checkpoint"), (why) => {
    if (why !== "news") spot = null;
    follow();
  });
  const steps = new Steps(element, part, {
    follow: (token) => {
      place = token;
      spot = null;
      follow();
    },
    workOut: (number) => {
      spot = number;
      follow();
    },
  });

  /** @param {import("./words.js").TokenPath | null} path */
  function show(path) {
    steps.show(path);
    part("empty").hidden = Boolean(path || picker.run);
  }

  /** @returns {Promise<void>} */
  async function follow() {
    clearTimeout(timer);
    const { run } = picker;
    // The numbers of one model are never shown under the name of another.
    if (shownRun !== run || picker.lack) show(null);
    if (!run || picker.lack) return say(picker.lack);
    const text = part("text").value;
    if (!text) return say(EMPTY);
    await fillLayers(run);
    const layer = Number(part("layer").value) || 0;
    const asked = spot;
    const answer = await ask("follow_token", { ...picker.chosen, text, place, layer, ...asked });
    if (run !== picker.run) return;
    if (answer) {
      shownRun = run;
      show(answer);
    } else if (asked && part("said").textContent) {
      spot = null; // a number of a path that is no longer shown
      return follow();
    }
  }

  /** A list of as many layers as the run has. @param {string} run */
  async function fillLayers(run) {
    if (layersOf === run) return;
    const answer = await ask("architecture", { run_id: run }, { quiet: true });
    if (!answer || run !== picker.run) return;
    layersOf = run;
    const layers = Array.from({ length: Number(answer.config.n_layers) }, (_, i) => i);
    const named = layers.map((layer) => [String(layer), `layer ${layer}`]);
    setOptions(part("layer"), named, part("layer").value);
  }

  part("text").oninput = () => {
    clearTimeout(timer);
    place = LAST;
    spot = null;
    timer = window.setTimeout(follow, WAIT);
  };
  part("layer").onchange = () => {
    spot = null;
    follow();
  };
}
