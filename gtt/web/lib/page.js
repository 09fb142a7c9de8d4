/**
 * What the parts of the page tell each other beside the run: sentences, terms, and the draft. Some
 * of it comes from events of Python's, which call the functions here (see `gtt/ui/views.py`).
 */
import { tabShown } from "./address.js";
import { Signal } from "./signal.js";

const KEPT_AFTER = 5000; // milliseconds

/**
 * @typedef {{ setting: string, message: string }} Refusal and what every refusal has
 * @typedef {{ changed?: string, saved?: string, begun?: string, refused?: Refusal } | null} News
 *   which setting a control shows another value of, or was saved; or what could not be
 */

/** A sentence for whoever looks at the page. */
export const said = new Signal("");

/** The concept that the glossary is opened at. */
export const explained = new Signal("");

/** The draft is another one; a refusal here is of a setting of the model. */
export const draft = new Signal(/** @type {News} */ (null));

/** What else could not be saved. */
export const refused = new Signal(/** @type {Refusal | null} */ (null));

/** How many steps the settings ask for; null where the epochs decide. */
export const steps = new Signal(/** @type {number | string | null | undefined} */ (null));

/** A run that was deleted just now. */
export const deleted = new Signal(
  /** @type {{ id: string, name: string, seconds: number } | null} */ (null),
);

/** What the page's address asks for, once the page has opened; null before. */
export const opened = new Signal(/** @type {string | null} */ (null));

/** Says what a person should know. @param {string} sentence */
export function say(sentence) {
  said.set(sentence);
}

/** Opens the glossary at a term. @param {string} concept */
export function explain(concept) {
  explained.set(concept);
}

/** @param {News} [news] */
export function tellDraft(news = null) {
  const refusal = news?.refused;
  if (refusal && !refusal.setting.startsWith("model.")) refused.set(refusal);
  else draft.set(news);
}

/** @param {number | string | null} count */
export function tellSteps(count) {
  steps.set(count);
}

/** What the address asks for is being made the draft. */
export const keeping = new Signal(false);

/** What the address asked for is the draft by now. */
export function tellKept() {
  keeping.set(false);
  tellDraft();
}

/** Resolves once nothing is being made the draft; after some seconds in any case. */
export function whenKept() {
  return /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      if (!keeping.value) return resolve();
      keeping.follow(document.documentElement, (isKeeping) => isKeeping || resolve());
      setTimeout(resolve, KEPT_AFTER);
    })
  );
}

/** Questions about the draft say with it what the address asks for. @param {string} asked */
export function tellOpened(asked) {
  document.documentElement.dataset.gttAsked = asked;
  opened.set(asked);
  if (asked) draft.set(null);
}

/** Puts a link to the draft into the clipboard. @param {string} query */
export async function copyLink(query) {
  const tab = tabShown();
  const link = `${location.origin}${location.pathname}?${query}${tab ? `&tab=${tab}` : ""}`;
  try {
    await navigator.clipboard.writeText(link);
  } catch {
    window.prompt("The link to these settings:", link);
    return;
  }
  const button = /** @type {HTMLElement} */ (document.querySelector("#copy"));
  const words = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = words;
  }, 2000);
}
