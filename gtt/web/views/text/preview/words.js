/**
 * What is said of a text in sentences.
 *
 * @typedef {import("../../../types/ask").Schema["TextPreview"]} Preview
 */
import { whole } from "../../../lib/format.js";
import { seen } from "../chips.js";

const PAGE = 2000; // characters of a printed page

/** A size as one says it. @param {number} count */
export function bytes(count) {
  if (count < 1000) return `${count} bytes`;
  return count < 1e6 ? `${(count / 1e3).toPrecision(3)} kB` : `${(count / 1e6).toPrecision(3)} MB`;
}

/** What the figures were counted over. @param {Preview} text */
export function countedOver(text) {
  const total = text.total_bytes ? bytes(text.total_bytes) : "";
  if (text.counted === "corpus") return "prepared by a run: every number is of the whole text";
  if (text.counted === "whole") return "counted over the whole text";
  if (text.counted === "nothing") return `not here yet${total && `, about ${total}`}`;
  const of = total && ` of about ${total}`;
  return `counted over the beginning, ${bytes(text.bytes || 0)}${of}`;
}

/** What the counts come to, for whoever has no feeling for them yet. @param {Preview} text */
export function meaning({ tokens, characters, frequent: [most] }) {
  if (!tokens) return "";
  const page = whole((PAGE * tokens) / (characters || 1));
  const first = `A page of ${whole(PAGE)} characters is about ${page} tokens.`;
  if (!most) return first;
  return `${first} One token in ${(tokens / most.count).toPrecision(2)} is “${seen(most)}”.`;
}

/** @param {Preview["train"]} part */
export function sizes({ characters, bytes: size, tokens }) {
  const words = [];
  if (characters !== null) words.push(`${whole(characters)} characters`);
  else if (size !== null) words.push(`about ${bytes(size)}`);
  if (tokens !== null) words.push(`${whole(tokens)} tokens`);
  return words.join(", ") || "not known before the text is prepared";
}

/** What the last part is for. @param {Preview} text @param {number | null} share */
export function heldBack(text, share) {
  const percent = share === null ? "" : ` (${(100 * share).toFixed(1)} %)`;
  if (text.after_cut) {
    return `The last part${percent} is never trained on: on it the validation loss is measured.`;
  }
  const isAtDocument = (text.documents || 0) > 1;
  const boundary = isAtDocument
    ? "at the end of the document that is nearest"
    : "at that very character";
  return (
    `The last part${percent} will be held back, ${boundary}; ` +
    "its text is shown once a run has prepared it."
  );
}

/** @type {Record<string, string>} */
const EXAMS = {
  "exact answers":
    "While it trains, the model is given prompts that are not in its text; the score is the " +
    "share of answers that are right to the letter. For example:",
  "valid sentences":
    "While it trains, the model writes tales from a first word; the score is the share of its " +
    "sentences that the grammar of the tales allows; many continuations are right. It begins " +
    "with, for example,",
};

/** @param {NonNullable<Preview["exam"]>} exam */
export const examWords = ({ metric }) =>
  EXAMS[metric] || `The score is the share of ${metric}. For example:`;
