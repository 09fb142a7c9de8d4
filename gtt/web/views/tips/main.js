/**
 * One tip for all that is explained. It comes where the pointer is, or at what has the focus, stays
 * while the pointer is on it, and goes with Escape; `?` or a click opens the glossary at its term.
 */
import { concepts } from "../../lib/concepts.js";
import { around, listen, partsOf } from "../../lib/dom.js";
import { explain } from "../../lib/page.js";
import { place } from "./place.js";

/**
 * @typedef {{ title?: string, tip?: string, concept: string }} About what is told of a thing; the
 *   tip is that of its concept where it has none
 * @typedef {{ thing: HTMLElement, about: About, why: string }} Found
 */

const LATER = 250; // milliseconds of rest before a tip comes, and before it goes

/**
 * @param {HTMLElement} element
 * @param {import("../../types/view").Gradio} gradio `quantities` are explained where `data-tip`
 *   names them, `actions` at the button of their id
 */
export function mount(element, { props }) {
  const part = partsOf(element);
  const tip = part("box");
  const { quantities = {}, actions = {} } = props;
  let pointer = { x: 0, y: 0 };
  let on = /** @type {Found | null} */ (null);
  let timer = 0;
  /** @type {Awaited<ReturnType<typeof concepts>>} */
  let known = {};

  /** @param {Event} event @returns {Found | null} */
  function find(event) {
    const thing = around(event, "[data-tip], button[id]");
    if (!thing) return null;
    const about = thing.dataset.tip ? quantities[thing.dataset.tip] : actions[thing.id];
    return about ? { thing, about, why: thing.dataset.why || "" } : null;
  }

  /** @param {Found} found @param {{ x: number, y: number } | null} point */
  async function show(found, point = null) {
    hide();
    on = found;
    if (!found.about.tip) known = await concepts();
    if (on !== found) return;
    const words = found.about.tip || known[found.about.concept]?.tip;
    if (!words) return;
    part("title").textContent = found.about.title || "";
    part("title").hidden = !found.about.title;
    part("tip").textContent = `${words} ${found.why}`.trim();
    tip.hidden = false;
    found.thing.setAttribute("aria-describedby", tip.id);
    place(tip, found.thing.getBoundingClientRect(), point);
  }

  function hide() {
    clearTimeout(timer);
    tip.hidden = true;
    on?.thing.removeAttribute("aria-describedby");
    on = null;
  }

  /** @param {() => void} act */
  function soon(act) {
    clearTimeout(timer);
    timer = window.setTimeout(act, LATER);
  }

  /** @param {About} about */
  function open(about) {
    hide();
    explain(about.concept);
  }

  const hear = (/** @type {string} */ event, /** @type {(event: any) => void} */ act) =>
    listen(element, event, act);
  hear("pointermove", (event) => {
    pointer = { x: event.clientX, y: event.clientY };
  });
  hear("pointerover", (event) => {
    pointer = { x: event.clientX, y: event.clientY };
    if (around(event, ".gtt-tip")) return clearTimeout(timer);
    const found = find(event);
    if (found && on?.thing !== found.thing) {
      soon(() => show(found, event.pointerType === "touch" ? null : pointer));
    } else if (!found && on && on.thing !== document.activeElement) soon(hide);
    else if (!found && !on) clearTimeout(timer);
  });
  hear("focusin", (event) => {
    const found = find(event);
    if (found && event.target.matches(":focus-visible")) show(found);
    else if (!around(event, ".gtt-tip")) hide();
  });
  hear("focusout", () => soon(hide));
  hear("scroll", hide);
  hear("keydown", (event) => {
    if (event.key === "Escape") hide();
    const found = find(event);
    const opens = found?.thing.dataset.tip && (event.key === "Enter" || event.key === " ");
    if (!found || (event.key !== "?" && !opens)) return;
    event.preventDefault();
    open(found.about);
  });
  hear("click", (event) => {
    const found = find(event);
    if (found?.thing.dataset.tip) open(found.about);
    else if (!around(event, ".gtt-tip")) hide();
  });
  part("more").onclick = () => {
    if (on) open(on.about);
  };
}
