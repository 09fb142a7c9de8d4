/** What belongs to the page as a whole: keys, and what stays in its address. */
import { nameOfTab, note } from "../lib/address.js";
import { around } from "../lib/dom.js";
import { turn } from "../lib/store.js";

/**
 * Arrow keys move between the tabs, as the ARIA pattern for tabs has it; Gradio leaves that out.
 *
 * @param {KeyboardEvent} event
 */
function moveBetweenTabs(event) {
  const tab = around(event, '[role="tab"]');
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!tab || (!step && event.key !== "Home" && event.key !== "End")) return;
  const all = /** @type {NodeListOf<HTMLElement>} */ (
    /** @type {Element} */ (tab.closest('[role="tablist"]')).querySelectorAll('[role="tab"]')
  );
  const tabs = [...all].filter((one) => one.offsetParent !== null);
  const end = event.key === "Home" ? 0 : tabs.length - 1;
  const next = step ? (tabs.indexOf(tab) + step + tabs.length) % tabs.length : end;
  event.preventDefault();
  tabs[next].focus();
  tabs[next].click();
}

/**
 * Gradio takes a slider for released only by a pointer; the arrow keys move it as well.
 *
 * @param {KeyboardEvent} event
 */
function releaseSlider(event) {
  const slider = around(event, 'input[type="range"]');
  if (!slider || slider.closest(".gtt-live") || !/^(Arrow|Page|Home|End)/.test(event.key)) return;
  slider.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
}

/** Begins with the page. */
export function start() {
  document.addEventListener("keydown", moveBetweenTabs);
  document.addEventListener("keyup", releaseSlider);
  document.addEventListener("click", (event) => {
    const tab = around(event, '#tabs [role="tab"]');
    if (tab) note("tab", nameOfTab(tab));
  });
  if (turn.value) note("run", turn.value.id);
  turn.follow(document.documentElement, (run) => note("run", run?.id));
}
