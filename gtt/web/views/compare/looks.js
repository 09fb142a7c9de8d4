/** A dash pattern, a shape and its turn for each run, as in the figures for download. */
import { d3 } from "../../lib/d3.js";

const AREA = 46; // of a shape, in square pixels

export const DASHES = [null, "10 4", "3 3", "10 4 3 4", "16 5", "6 5", "13 4 3 4 3 4", "7 3 7 7"];

/** @type {[import("d3").SymbolType, number][]} */
const SHAPES = [
  [d3.symbolCircle, 0],
  [d3.symbolSquare, 0],
  [d3.symbolTriangle, 0],
  [d3.symbolDiamond, 0],
  [d3.symbolTriangle, 180],
  [d3.symbolCross, 0],
  [d3.symbolCross, 45],
  [d3.symbolTriangle, -90],
];

/** The path of a shape. @param {number} place */
export const shape = (place) => d3.symbol().type(SHAPES[place][0]).size(AREA)() || "";

/** @param {number} place */
export const turned = (place) => `rotate(${SHAPES[place][1]})`;

/** @param {number} place */
export const color = (place) => `var(--gtt-run-${place + 1})`;
