/**
 * What is promised of a recipe.
 *
 * @typedef {import("../../types/ask").Schema["RecipeInfo"]} RecipeInfo
 * @typedef {Pick<RecipeInfo,
 *   "name" | "title" | "summary" | "measured" | "seconds_here" | "lacks_gpu">} Recipe
 */
import { number, roughly, size } from "../../lib/format.js";

/**
 * Time, and loss with size, where they were measured; the time here where it is known.
 *
 * @param {Recipe} recipe
 */
export function figuresOf({ measured, seconds_here: here, lacks_gpu: lacksGpu }) {
  if (lacksGpu) return ["needs a GPU", "none is here"];
  const time = here === null ? "" : `about ${roughly(here)} here`;
  if (!measured) return [time || "not measured yet"];
  const parameters = size(measured.parameters).replace(" ", "\u00a0");
  return [
    time || `${roughly(measured.seconds)} on two cores`,
    `loss ${number(measured.validation_loss, 2)} · ${parameters}`,
  ];
}
