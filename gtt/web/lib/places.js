/** The places on the page that a lesson can point at: on which tab, and which element. */
import { showTab } from "./address.js";

const SECONDS = 4; // that a place is marked

/** @type {Record<string, [string, string, string]>} the tab, the element, the words on the button */
export const PLACES = {
  recipes: ["", "#recipe", "Show me the recipes"],
  start: ["", "#start", "Show me the button"],
  "data.source": ["data", "#data-source", "Open the text"],
  "data.tokens": ["data", "#text-tokens", "Open the tokens"],
  "model.drawing": ["model", "#inside-architecture", "Open the drawing"],
  "model.follow": ["model", "#inside-follow", "Follow one token"],
  "training.curves": ["training", "#live", "Open the curves"],
  "training.samples": ["training", "#live", "Open the samples"],
  "training.findings": ["training", "#findings", "Open the findings"],
  "training.compare": ["training", "#comparing", "Open the comparison"],
  "generation.write": ["generation", "#inside-generation", "Open the Generation tab"],
  "attention.maps": ["attention", "#inside-attention", "Open the Attention tab"],
};

/** Opens the tab of a place, brings it into sight and marks it for a moment. @param {string} name */
export function point(name) {
  const [tab, selector] = PLACES[name] || [];
  if (!selector) return;
  if (tab) showTab(tab);
  requestAnimationFrame(() => {
    const place = document.querySelector(selector);
    if (!(place instanceof HTMLElement)) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    place.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
    place.classList.add("gtt-pointed");
    setTimeout(() => place.classList.remove("gtt-pointed"), 1000 * SECONDS);
  });
}
