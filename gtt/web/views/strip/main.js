/** The strip above the tabs: which lesson is taken, and what its step waits for. */
import { showTab, tabShown } from "../../lib/address.js";
import { listen, partsOf, tell } from "../../lib/dom.js";
import { followLessons, lesson, openStep } from "../../lib/lessons.js";

const READY = "All of it is done: the next step is open.";
const ASKS = "It asks what you expect.";
const STARTS = "Its run is not started yet.";

/** @param {HTMLElement} element */
export function mount(element) {
  const part = partsOf(element);

  function show() {
    const of = lesson.value;
    const isOver = !of || of.lesson.state === "done" || tabShown() === "learn";
    part("strip").hidden = isOver;
    if (!of || isOver) return;
    const step = openStep(of);
    tell(part("title"), of.lesson.title);
    tell(part("step"), `· step ${of.steps.length} of ${of.titles.length}: ${step.title}`);
    const unmet = step.until.find(({ met }) => !met);
    const words = { answer: ASKS, start: STARTS, conditions: unmet?.text || "" };
    tell(part("waits"), step.awaits ? words[step.awaits] : READY);
  }

  part("back").onclick = () => showTab("learn");
  lesson.follow(element, show);
  listen(element, "click", () => setTimeout(show));
  listen(element, "keyup", () => setTimeout(show));
  show();
  followLessons(element);
}
