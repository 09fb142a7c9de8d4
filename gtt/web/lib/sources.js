/**
 * The texts that can be chosen from.
 *
 * @typedef {import("./store.js").Schema} Schema
 */
import { ask } from "./api.js";
import { Signal } from "./signal.js";

/** Those that every server has, and those that were brought to the desk. */
export const sources = new Signal(/** @type {Schema["Datasets"] | null} */ (null));

/** Reads the list anew. */
export async function readSources() {
  const answer = await ask("datasets", {});
  if (!answer.error) sources.set(answer);
}

/** Each as a list shows it, with its value. @returns {[string, string][]} */
export function choices() {
  const { sources: ours = [], uploads = [] } = sources.value || {};
  return [
    ...ours.map((one) => /** @type {[string, string]} */ ([nameOf(one), one.name])),
    ...uploads.map((one) => /** @type {[string, string]} */ ([`${one.name} · yours`, one.source])),
  ];
}

/**
 * What there is to say about the text of a draft.
 *
 * @param {Schema["ConfigResponse"]["config"]} config
 */
export function aboutText({ data }) {
  const name = data?.source ?? "";
  const source = sources.value?.sources.find((one) => one.name === name);
  if (!sources.value) return undefined;
  if (!source) return name.startsWith("upload:") ? "Your text." : "A data set of the Hub.";
  const most = data?.max_megabytes || source.megabytes;
  const size = most ? ` A run reads ${short(most)} MB of it.` : "";
  return `${source.description}${size} Licence: ${source.licence}. ${source.citation}`;
}

/** With three digits. @param {number} megabytes */
const short = (megabytes) => String(Number(megabytes.toPrecision(3)));

/** With a mark for whether it needs the network. @param {Schema["SourceInfo"]} source */
function nameOf({ title, offline, is_here: isHere, megabytes }) {
  if (offline) return `${title} · offline`;
  if (isHere) return `${title} · on this machine`;
  const size = megabytes === null ? "" : `${short(megabytes)} MB, `;
  return `${title} · ${size}downloaded once`;
}
