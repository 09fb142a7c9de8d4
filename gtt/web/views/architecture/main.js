/** The architecture: drawn from the traced module, explained, and coloured by snapshots. */
import { concepts } from "../../lib/concepts.js";
import { repeat } from "../../lib/dom.js";
import { draft } from "../../lib/draft.js";
import { key, turn, wanted } from "../../lib/store.js";
import { ArchitectureView } from "./view.js";

const LATER = 150; // milliseconds: changes that count as one
const AGAIN = 4000; // after an answer that did not come

/** @param {HTMLElement} element */
export function mount(element) {
  const view = new ArchitectureView(element);
  let timer = 0;
  let asked = 0;
  let prepared = ""; // the run, and its state, whose text was known to be read

  const soon = (wait = LATER) => {
    clearTimeout(timer);
    timer = window.setTimeout(redraw, wait);
  };

  async function redraw() {
    if (!key.value || !element.isConnected) return;
    asked += 1;
    const mine = asked;
    const answer = await view.ask("architecture", {}, { quiet: true, asker: "draft" });
    if (mine !== asked) return; // asked anew meanwhile
    if (!answer) return soon(AGAIN);
    // What the page fills in by itself as it opens is no change.
    const isByHand = !navigator.userActivation || navigator.userActivation.hasBeenActive;
    view.takeDraft(answer, isByHand);
  }

  /** The drawing of the run is asked for once. */
  async function fetchRun() {
    const { runId } = view;
    view.ofRun = null;
    if (runId) {
      const answer = await view.ask("architecture", { run_id: runId }, { quiet: true });
      if (runId !== view.runId) return;
      view.ofRun = answer;
    }
    view.compare();
  }

  /** @param {string | null} run */
  function lookAt(run) {
    view.part("whose").classList.toggle("kept", Boolean(run));
    if (run === view.runId) return;
    view.runId = run;
    view.health.forget();
    fetchRun();
    view.health.look(null);
  }

  draft.follow(element, () => soon());
  // Once its text is prepared, a run knows its vocabulary, and so does a draft on the same text.
  turn.follow(element, (run) => {
    const mark = run ? `${run.id} ${run.state}` : "";
    if (!run || mark === prepared || !["running", "completed"].includes(run.state)) return;
    prepared = mark;
    if (view.draft?.vocabulary_is_assumed) soon(0);
    if (run.id === view.runId && view.ofRun?.vocabulary_is_assumed !== false) fetchRun();
  });
  key.follow(element, () => soon(0));
  wanted.follow(element, lookAt);
  concepts().then((all) => {
    view.panel.concepts = all;
    if (view.chosen) view.panel.show();
  });
  view.reserve();
  lookAt(wanted.value);
  soon(0);
  repeat(
    element,
    () => view.health.follow(),
    () => view.health.pace,
  );
}
