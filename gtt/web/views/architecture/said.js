/** What is said of a part to those who rest on it, and to those who hear it. */
import { whole } from "../../lib/format.js";
import { blockOf, wordsOf } from "./parts.js";

/**
 * @typedef {import("./parts.js").Drawn} Drawn
 * @typedef {import("./graph.js").Box} Box
 */

/** @param {{ parameters: number, multiply_adds: number }} part */
const held = ({ parameters, multiply_adds: work }) =>
  `${whole(parameters)} parameters, ${whole(work)} multiply-adds`;

/** Beside the pointer. @param {Box} box @param {Drawn} drawn */
export function titleOf(box, drawn) {
  if (box.operation === "block") return `Block ${box.block}: ${held(box)}`;
  const { name } = wordsOf(box, drawn);
  if (box.ghost) return `${name}: switched off`;
  const tied = box.tied_to ? ` (tied to ${box.tied_to})` : "";
  const work = `${whole(box.multiply_adds)} multiply-adds`;
  return `${name}: ${whole(box.parameters)} parameters${tied}, ${work}`;
}

/** @param {Box} box @param {Drawn} drawn @param {boolean} isOpen @param {boolean} isChanged */
export function partSaid(box, drawn, isOpen, isChanged) {
  if (isOpen) return `Block ${box.block}, unfolded: ${held(box)}. Enter folds it.`;
  if (box.operation === "block") {
    return `Block ${box.block}, folded: ${held(box)}. Enter unfolds it.`;
  }
  const block = blockOf(box.id);
  const name = wordsOf(box, drawn).name + (block === null ? "" : ` of block ${block}`);
  if (box.ghost) return `${name}: switched off`;
  const gives = `${name}, gives ${box.shape.join(" by ")}`;
  return `${gives}; ${held(box)}${isChanged ? "; changed" : ""}`;
}
