/**
 * The draft: what the controls show, what the desk keeps, and how the one becomes the other. Gradio
 * knows what its controls show; it calls `take`, `keep` and `filling` (see `gtt/ui/draft.py`).
 *
 * @typedef {import("./store.js").Schema} Schema
 * @typedef {Schema["ConfigResponse"]} Draft
 * @typedef {import("../types/ask").Fault} Fault
 * @typedef {Fault & { setting: string }} Refusal
 * @typedef {Record<string, unknown>} Values by setting, as `group.name`
 * @typedef {"all" | "unfocused" | "text"} Fill every control, those that nobody is in, or only what
 *   is said about the text
 */
import { forgetAddress, strip } from "./address.js";
import { addressAsks, ask, isBusy, pause } from "./api.js";
import { say } from "./page.js";
import { Signal } from "./signal.js";
import { aboutText, choices, sources } from "./sources.js";

// What must fit each other is saved together as it is shown, so that a change that was refused
// becomes valid with the change that makes it fit.
export const TOGETHER = ["model.n_heads", "model.n_embed"];
const SOURCE = "data.source";
const SOON = 50; // milliseconds until Gradio is asked again whether it has filled all
const TRIES = 20;
const AGAIN = 2000; // milliseconds after an answer that did not come

/** The draft of the desk, with what the page's address asks for. */
export const draft = new Signal(/** @type {Draft | null} */ (null));

/** What the controls show, once they are filled. */
export const screen = new Signal(/** @type {Values} */ ({}));

/** Settings whose controls show other values now, or that are saved. */
export const touched = new Signal(/** @type {string[]} */ ([]));

/** What could not be saved. */
export const refused = new Signal(/** @type {Refusal | null} */ (null));

const controls = {
  labels: /** @type {Record<string, string>} */ ({}), // by setting, in the order of the controls
  ask: () => {}, // Gradio to call `filling`
  fill: /** @type {Fill} */ ("all"),
  isFilled: false,
  timer: /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined),
  listed: /** @type {unknown} */ (null), // the texts that can be chosen from
  tried: /** @type {Values} */ ({}), // what was refused
  writing: /** @type {Promise<unknown>} */ (Promise.resolve()),
};

/** The element of a setting's control. @param {string} setting */
export const controlOf = (setting) => document.getElementById(setting.replace(".", "-"));

/** An empty field is nothing. @param {unknown} value */
const plain = (value) => (value === "" || value === undefined ? null : value);

/** The settings of the controls that differ between two. @param {Values} a @param {Values} b */
export const differing = (a, b) =>
  Object.keys(controls.labels).filter((setting) => plain(a[setting]) !== plain(b[setting]));

/** A configuration as controls show it. @param {Draft["config"]} config @returns {Values} */
export function valuesOf(config) {
  const groups = Object.entries(config).filter(([, group]) => typeof group === "object");
  return Object.fromEntries(
    groups.flatMap(([group, values]) =>
      Object.entries(values).map(([name, value]) => [`${group}.${name}`, value]),
    ),
  );
}

/**
 * The controls are there, under these labels.
 *
 * @param {Record<string, string>} labels
 * @param {() => void} ask
 */
export function useControls(labels, ask) {
  Object.assign(controls, { labels, ask });
  fill("all");
}

/** Lets controls show the draft. @param {Fill} which */
export function fill(which) {
  if (!draft.value) return;
  if (which !== "text") controls.isFilled = false;
  else if (!controls.isFilled) return; // said with the others
  controls.fill = which;
  askGradio();
}

/** Again until the controls show it; what cannot be shown at all is left in the end. */
function askGradio(tries = 1) {
  clearTimeout(controls.timer);
  controls.ask();
  controls.timer = setTimeout(() => {
    if (!controls.isFilled && tries < TRIES) askGradio(tries + 1);
    else controls.isFilled = screen.isKnown;
  }, SOON * tries);
}

/**
 * For Gradio: what each control shall show, and the words about the text; undefined stays. What it
 * is told while it still makes its controls it may forget, so that it is looked at again.
 *
 * @param {unknown[]} values that they show
 */
export function filling(...values) {
  if (!draft.value) return [];
  const { config } = draft.value;
  const which = controls.fill;
  const shown = named(values);
  const isStill = (/** @type {string} */ setting) =>
    which === "text" ||
    (which === "unfocused" && controlOf(setting)?.contains(document.activeElement));
  const wanted = valuesOf(config);
  for (const setting of Object.keys(wanted).filter(isStill)) wanted[setting] = shown[setting];
  const others = differing(shown, wanted);
  if (which !== "text") screen.set({ ...shown, ...wanted });
  if (which !== "text") controls.isFilled = !others.length;
  const told = Object.keys(controls.labels).map((setting) => {
    if (setting === SOURCE && controls.listed !== sources.value) {
      controls.listed = sources.value;
      return { __type__: "update", choices: choices(), value: wanted[setting] };
    }
    return others.includes(setting) ? wanted[setting] : undefined;
  });
  return [...told, aboutText(config)];
}

/**
 * Values in the order of the controls by their settings.
 *
 * @param {unknown[]} values
 * @returns {Values}
 */
const named = (values) =>
  Object.fromEntries(Object.keys(controls.labels).map((setting, i) => [setting, values[i]]));

/** For Gradio: a control shows another value. @param {unknown[]} values of all of them */
export function take(...values) {
  if (!controls.isFilled) return;
  const shown = named(values);
  const changed = differing(shown, screen.value);
  if (!changed.length) return;
  for (const setting of changed) delete controls.tried[setting];
  screen.set(shown);
  touched.set(changed);
}

/**
 * For Gradio: a person has chosen a value, which is saved.
 *
 * @param {unknown[]} values of all controls
 */
export function keep(...values) {
  if (!controls.isFilled) return;
  take(...values);
  inTurn(async () => {
    if (!draft.value) return;
    const unsaved = differing(screen.value, valuesOf(draft.value.config));
    const fresh = unsaved.filter((setting) => !(setting in controls.tried));
    if (!fresh.length) return;
    const pair = fresh.some((setting) => TOGETHER.includes(setting)) ? TOGETHER : [];
    const settings = unsaved.filter((one) => fresh.includes(one) || pair.includes(one));
    const shown = screen.value;
    const values = Object.fromEntries(settings.map((setting) => [setting, shown[setting]]));
    const answer = await ask("set_config", { screen: values });
    if (!answer.error) {
      say("");
      touched.set(settings);
      showKept(answer, "text");
    } else if (!refuse(answer.error, fresh[0])) say(answer.error.message);
    else for (const setting of fresh) controls.tried[setting] = shown[setting];
  });
}

/**
 * Changes the draft and lets the controls show it.
 *
 * @param {import("../types/ask").Values<"set_config">} request
 */
export function change(request) {
  return inTurn(async () => {
    const answer = await ask("set_config", request);
    say(answer.error ? answer.error.message : "");
    if (answer.error) return;
    touched.set(Object.keys(controls.labels));
    showKept(answer, "all");
  });
}

/** Makes the draft what the controls show: it is what a run elsewhere will train. */
export function keepScreen() {
  return inTurn(async () => {
    if (!screen.isKnown) return;
    const answer = await ask("set_config", { screen: screen.value });
    if (!answer.error) showKept(answer, "text");
    else if (!refuse(answer.error)) say(answer.error.message);
  });
}

/** What the page's address asks for becomes the draft. */
export function keepAddress() {
  strip();
  return inTurn(async () => {
    if (!addressAsks()) return;
    const answer = await ask("set_config", {});
    if (!answer.error) return showKept(answer, "text");
    forgetAddress();
    say(answer.error.message);
    readDraft();
  });
}

/** Reads the draft, which another tab or a program may have changed. */
export function readDraft() {
  return inTurn(async () => {
    const answer = await ask("get_config", {});
    if (!answer.error) return show(answer, "unfocused");
    if (answer.error.code === "lost" || isBusy(answer.error)) {
      if (!draft.value) setTimeout(readDraft, pause(AGAIN));
    } else if (addressAsks()) {
      forgetAddress();
      say(answer.error.message);
      readDraft();
    }
  });
}

/** Resolves once all that was to be saved is. */
export const settled = () => controls.writing;

/**
 * One after the other, so that each finds what the one before left.
 *
 * @param {() => Promise<unknown>} act
 */
function inTurn(act) {
  controls.writing = controls.writing.then(act);
  return controls.writing;
}

/**
 * The draft was changed: with what the address asked for.
 *
 * @param {Draft} answer
 * @param {Fill} which
 */
function showKept(answer, which) {
  forgetAddress();
  show(answer, which);
}

/** @param {Draft} answer @param {Fill} which controls are to show it */
function show(answer, which) {
  const isOther = JSON.stringify(answer) !== JSON.stringify(draft.value);
  if (isOther) draft.set(answer);
  fill(which);
}

/**
 * Tells what is wrong at the control of a setting; null where it is about none.
 *
 * @param {Fault} fault
 * @param {string} [changed] the setting that was changed, where that is another one
 */
export function refuse(fault, changed) {
  const field = (fault.field || "").replace(/^config\./, "");
  const label = fault.code === "invalid_input" && controls.labels[field];
  if (!label) return null;
  const message = fault.message.replace(`${label}: `, "");
  refused.set({ ...fault, setting: changed || field, message });
  return `${label}: ${message}`;
}
