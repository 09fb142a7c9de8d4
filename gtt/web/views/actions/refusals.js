/** A button for which there is nothing to do says why, instead of failing or of doing nothing. */
import { listen } from "../../lib/dom.js";
import { refused } from "../../lib/draft.js";
import { say } from "../../lib/page.js";
import { isActive, run, runs, turn } from "../../lib/store.js";

const TWICE = 1500; // milliseconds in which a second press of Start is taken for the same one
const NONE = "There is no run yet: start one first.";
const AT_WORK = "It is at work: stop it first, or wait for its end.";
const DONE = "It has done all of its steps: train it longer instead.";

/** Why a button has nothing to do, by its id; null where it has. */
function whyNot() {
  const looked = run.value;
  const active = isActive(looked);
  const none = looked ? null : NONE;
  const atWork = active ? AT_WORK : null;
  return {
    stop: active || runs.value.some(isActive) ? null : "No run is at work.",
    "stop-this": none || (active ? null : "This run has ended already."),
    resume: none || atWork || (looked?.state === "completed" ? DONE : null),
    longer: none || atWork,
    use: none,
    delete: none,
    rename: none,
  };
}

/** While a run is at work a new one waits for it. */
function nameStart() {
  const button = document.querySelector("button#start");
  if (!(button instanceof HTMLElement)) return;
  button.dataset.first ||= button.textContent.trim();
  const words = runs.value.some(isActive) ? "Start another run" : button.dataset.first;
  if (button.textContent.trim() !== words) button.textContent = words;
}

function draw() {
  nameStart();
  for (const [id, why] of Object.entries(whyNot())) {
    const button = document.querySelector(`button#${id}`);
    if (!(button instanceof HTMLElement)) continue;
    if (why) {
      button.setAttribute("aria-disabled", "true");
      button.dataset.why = why;
    } else {
      button.removeAttribute("aria-disabled");
      delete button.dataset.why;
    }
  }
}

/** Keeps them so for as long as `element` is on the page. @param {HTMLElement} element */
export function refuseTheIdle(element) {
  let pressed = -TWICE;

  /** @param {MouseEvent} event */
  function press(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button) return;
    const twice = button.id === "start" && event.timeStamp - pressed < TWICE;
    if (button.id === "start" && !twice) pressed = event.timeStamp;
    if (!twice && button.getAttribute("aria-disabled") !== "true") return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (twice) return;
    say(button.dataset.why || "");
  }

  turn.follow(element, draw);
  runs.follow(element, draw);
  listen(element, "click", press, { capture: true });
  // A refusal answers the first press: what is pressed then is meant.
  refused.follow(element, () => {
    pressed = -TWICE;
  });
  draw();
}
