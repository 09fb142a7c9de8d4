/** Byte-pair encoding on a sentence: a slider over the merges that change it. */
import { add, isByTouch, partsOf } from "../../../lib/dom.js";
import { whole } from "../../../lib/format.js";
import { followText, seeker } from "../asking.js";
import { seen, showChips } from "../chips.js";
import { statesOf, stepsDown } from "./merging.js";

/** @typedef {import("../../../lib/store.js").Schema["Merges"]} Merges */

const MOST_CHARACTERS = 500; // that the endpoint takes
const PLAY_EVERY = 450; // milliseconds

/**
 * @param {HTMLElement} element
 * @param {import("../../../types/view").Gradio} gradio `settings` of a text, by name
 */
export function mount(element, { props }) {
  const part = partsOf(element);
  let answer = /** @type {Merges | null} */ (null);
  let states = [/** @type {Merges["start"]} */ ([])];
  let at = 0;
  let playing = 0;
  let sentence = "";

  /** @param {Merges} given */
  function show(given) {
    answer = given;
    states = statesOf(given.start, given.steps);
    at = Math.min(at, states.length - 1);
    part("slider").max = states.length - 1;
    part("about").textContent =
      `From the beginning of “${given.title}” ${whole(given.learned)} merges were learned: each ` +
      "time the two neighbours that stand side by side most often become one token, until there " +
      `are ${whole(given.vocab_size)}. ${whole(given.steps.length)} steps change this sentence, ` +
      `from ${whole(given.start.length)} bytes to ` +
      `${whole(states[states.length - 1].length)} tokens.`;
    const path = stepsDown(states.map((state) => state.length));
    part("left").setAttribute("d", path);
    part("area").setAttribute("d", `${path}V42H0Z`);
    draw(given);
  }

  /** @param {Merges} given */
  function draw({ start, steps, learned }) {
    const last = states.length - 1;
    const step = at ? steps[at - 1] : null;
    part("slider").value = at;
    part("back").disabled = at === 0;
    part("next").disabled = at === last;
    const chips = showChips(part("chips"), states[at]);
    for (const place of step?.places || []) chips[place].classList.add("fresh");
    const what = part("what");
    if (step) {
      const times = step.places.length === 1 ? "once" : `${step.places.length} times`;
      what.textContent = `Merge ${whole(step.number)} of ${whole(learned)}: `;
      add(what, "b", { text: seen(step.first) });
      what.append(" + ");
      add(what, "b", { text: seen(step.second) });
      what.append(" → ");
      add(what, "b", { text: seen(step.merged) });
      what.append(
        `, which stood side by side ${whole(step.count)} times in the text; here ${times}. ` +
          `${whole(states[at].length)} tokens.`,
      );
    } else {
      const keys = isByTouch() ? "" : ", or use the arrow keys";
      what.textContent =
        `No merge yet: ${whole(start.length)} bytes, a token each. ` + `Move the slider${keys}.`;
    }
    part("slider").setAttribute("aria-valuetext", what.textContent);
    const x = (100 * at) / Math.max(1, last);
    part("here").setAttribute("x1", x);
    part("here").setAttribute("x2", x);
  }

  /** @param {number} to */
  function go(to) {
    at = Math.max(0, Math.min(states.length - 1, to));
    if (answer) draw(answer);
  }

  function stop() {
    clearInterval(playing);
    playing = 0;
    part("play").textContent = "Play";
  }

  /** @param {() => number} to */
  const going = (to) => () => {
    stop();
    go(to());
  };
  part("slider").oninput = going(() => Number(part("slider").value));
  part("back").onclick = going(() => at - 1);
  part("next").onclick = going(() => at + 1);
  part("play").onclick = () => {
    if (playing) return stop();
    if (at === states.length - 1) go(0);
    part("play").textContent = "Pause";
    playing = window.setInterval(() => {
      if (at >= states.length - 1 || !element.isConnected) stop();
      else go(at + 1);
    }, PLAY_EVERY);
  };

  function clear() {
    stop();
    answer = null;
  }

  const { want } = seeker("merges", element, part, { show, clear });
  followText(element, props.settings, (text, data) => {
    const next = text.slice(0, MOST_CHARACTERS);
    if (next !== sentence) {
      sentence = next;
      at = 0;
      stop();
    }
    if (answer) part("all").hidden = !next;
    if (next) want({ ...data, text: next });
    else part("waiting").hidden = true;
  });
}
