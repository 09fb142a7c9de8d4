/** What the views of a text share: asking only for what is wanted last, and where it is laid. */
import { ask, desk, isBusy, pause } from "../../lib/api.js";
import { around, listen } from "../../lib/dom.js";
import { screen } from "../../lib/draft.js";
import { wanted } from "../../lib/store.js";

/**
 * @typedef {import("../../types/ask").Fault} Fault
 * @typedef {import("../../types/ask").Name} Name
 * @typedef {ReturnType<typeof import("../../lib/dom.js").partsOf>} Parts
 */
/** @template {Name} N @typedef {import("../../types/ask").Values<N>} Values */
/** @template {Name} N @typedef {import("../../types/ask").Answer<N>} Answer */

const REST = 250; // milliseconds without another wish until it is asked
const LATER = 2000; // until a question is asked again that nobody could answer
const NEAR = "3000px"; // of the screen, where somebody will see the answer soon

/**
 * Asks an endpoint for the last wish, once it has rested a moment, while somebody can see the
 * answer. `show` gets an answer; also a refusal has been laid by then.
 *
 * @template {"preview" | "compare_tokenizers" | "merges"} N
 * @param {N} name
 * @param {HTMLElement} element
 * @param {Parts} part
 * @param {{ show: (answer: Answer<N>) => void, clear: () => void }} view
 *   `clear` is called as soon as what is shown belongs to another text or tokenizer than the wish
 */
export function seeker(name, element, part, { show, clear }) {
  let wish = /** @type {Record<string, unknown> | null} */ (null);
  let done = "";
  let isSeen = false;
  let busy = false;
  let timer = 0;

  async function go() {
    const mark = JSON.stringify(wish);
    if (busy || !isSeen || !wish || !desk() || mark === done) return;
    busy = true;
    const answer = await ask(name, /** @type {Values<N>} */ (/** @type {unknown} */ (wish)));
    busy = false;
    if (isBusy(answer.error) || answer.error?.code === "lost") {
      timer = window.setTimeout(go, pause(LATER)); // what is shown stays
      return;
    }
    if (mark === JSON.stringify(wish)) {
      done = mark;
      lay(part, answer);
      if (!answer.error) show(/** @type {Answer<N>} */ (/** @type {unknown} */ (answer)));
    }
    go();
  }

  /** @param {Record<string, unknown>} next */
  function want(next) {
    // What was shown is covered by now: also the wish that it answers has to be asked for again.
    if (!wish || dataOf(next) !== dataOf(wish)) {
      done = "";
      clear();
      lay(part, null);
    }
    wish = next;
    clearTimeout(timer);
    timer = window.setTimeout(go, REST);
  }

  /** Asks the same again. */
  function again() {
    done = "";
    go();
  }

  const watch = (/** @type {IntersectionObserverEntry[]} */ entries) => {
    isSeen = entries[entries.length - 1].isIntersecting;
    if (isSeen) go();
  };
  new IntersectionObserver(watch, { rootMargin: NEAR }).observe(element);
  wanted.follow(element, go); // the desk may be known only now
  return { want, again };
}

/**
 * Calls `act` with the sentence that is written and the settings of the text as the controls show
 * them, a moment ahead of the draft: once they are filled, and with each change.
 *
 * @param {HTMLElement} element
 * @param {string[]} settings their names
 * @param {(text: string, data: Record<string, unknown>) => void} act
 */
export function followText(element, settings, act) {
  const tell = () => {
    const box = /** @type {HTMLTextAreaElement | null} */ (
      document.querySelector("#sentence textarea")
    );
    const values = settings.map((name) => [name, screen.value[`data.${name}`] ?? ""]);
    act(box?.value || "", Object.fromEntries(values.filter(([, value]) => value !== "")));
  };
  screen.follow(element, tell);
  listen(element, "input", (event) => {
    if (around(event, "#sentence") && screen.isKnown) tell();
  });
  if (screen.isKnown) tell();
}

/** @param {Record<string, unknown>} wish */
const dataOf = ({ text, ...data }) => JSON.stringify(data);

/**
 * An answer, or the sentence in place of it; null while it is waited for: then what stood there is
 * no longer seen, but keeps its place, so that nothing else moves.
 *
 * @param {Parts} part
 * @param {{ error?: Fault } | null} answer
 */
function lay(part, answer) {
  const wrong = answer?.error;
  part("waiting").hidden = Boolean(answer);
  part("error").hidden = !wrong;
  part("error").textContent = wrong ? wrong.message : "";
  part("all").classList.toggle("old", !answer);
  if (answer) part("all").hidden = Boolean(wrong);
}
