/** What each head of a checkpoint looks at, what it does by habit, and what it is good for. */
import { concepts } from "../../lib/concepts.js";
import { add, onTheme, repeat } from "../../lib/dom.js";
import { wanted } from "../../lib/store.js";
import { DEFAULT } from "./texts.js";
import { AttentionView } from "./view.js";

const PACE = 3000; // milliseconds in which a run that goes on is asked for new snapshots

/** @param {HTMLElement} element */
export function mount(element) {
  const view = new AttentionView(element);
  const text = view.part("text");

  /** A person reads a text of their own: its map is as large as it is. */
  function lookByHand() {
    view.large.map.release();
    view.look();
  }

  text.value = DEFAULT;
  text.oninput = () => {
    view.isOwnText = true;
  };
  text.onkeydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    lookByHand();
  };
  view.part("look").onclick = lookByHand;
  for (const details of element.querySelectorAll("details.why")) {
    /** @type {HTMLDetailsElement} */ (details).ontoggle = () =>
      explainIn(/** @type {HTMLDetailsElement} */ (details));
  }
  onTheme(() => view.repaint());
  followSnapshots(view);
  wanted.follow(element, (run) => view.expect(run));
  return wanted.isKnown ? view.expect(wanted.value) : null; // seen once it has its room
}

/** Explanations come when somebody opens one. @param {HTMLDetailsElement} details */
async function explainIn(details) {
  if (!details.open || details.childElementCount > 1) return;
  const concept = (await concepts())[details.dataset.concept || ""];
  if (!concept || details.childElementCount > 1) return;
  for (const text of concept.body.split("\n\n")) {
    add(details, "p", { text: text.replace(/`/g, "") });
  }
}

/**
 * A run that goes on takes new snapshots; after its end once more, for what came last.
 *
 * @param {AttentionView} view
 */
function followSnapshots({ element, picker, history }) {
  /** @type {string | null} */
  let endedOf = null;
  const act = async () => {
    const { run } = picker;
    if (!run || !picker.isSeen || (!picker.isActive && endedOf === run)) return;
    endedOf = picker.isActive ? null : run;
    await history.follow(run);
  };
  repeat(element, act, () => PACE);
}
