/**
 * Colours of the maps: one hue from faint to strong, and blue to orange for a difference. Both are
 * even in lightness, so that they can be read without telling hues apart.
 *
 * @typedef {[number, number, number]} Colour red, green, blue, each to 255
 * @typedef {import("../../lib/attention_map.js").AttentionMap} AttentionMap
 * @typedef {(value: number) => number} Scale from a value to a place on the ramp, 0 to 1
 */
import { d3 } from "../../lib/d3.js";

const RAMPS = {
  light: ["#f1f6fb", "#c3dcef", "#7fb5dc", "#3484bf", "#0b5a94", "#062c52"],
  dark: ["#16212d", "#1b3f5f", "#23679c", "#3d95d6", "#8cc8f5", "#f0f8ff"],
  lightDifference: ["#0b4f87", "#5a9fd0", "#f4f4f4", "#e8935a", "#a03c00"],
  darkDifference: ["#8cc8f5", "#2f78b0", "#1d232b", "#b3571a", "#ffb37a"],
};
/** @type {Map<string, Colour[]>} */
const ramps = new Map();

export const isDark = () => document.body.classList.contains("dark");

/** A ramp's 256 colours, in the theme of the page. @param {"weights" | "difference"} kind */
export function rampOf(kind) {
  const theme = isDark() ? /** @type {const} */ ("dark") : "light";
  const stops = RAMPS[kind === "weights" ? theme : /** @type {const} */ (`${theme}Difference`)];
  const known = ramps.get(stops[0]);
  if (known) return known;
  const pieces = stops.slice(1).map((stop, i) => d3.interpolateLab(stops[i], stop));
  const ramp = d3.range(256).map((i) => {
    const at = (i / 255) * pieces.length;
    const piece = Math.min(pieces.length - 1, Math.floor(at));
    const { r, g, b } = d3.rgb(pieces[piece](at - piece));
    return /** @type {Colour} */ ([r, g, b].map(Math.round));
  });
  ramps.set(stops[0], ramp);
  return ramp;
}

/** Which of 256 colours. @param {number} t */
export const tone = (t) => Math.max(0, Math.min(255, Math.round(255 * t)));

/** @param {Colour} colour */
export const inCss = (colour) => `rgb(${colour.join(",")})`;

/** Black or white, whichever is read better on a colour. @param {Colour} colour */
export function inkOn(colour) {
  const [r, g, b] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

/**
 * How a weight becomes a place on the ramp.
 *
 * @type {Record<"even" | "root" | "log", Scale>}
 */
export const SHADINGS = {
  even: (weight) => weight,
  root: (weight) => Math.sqrt(Math.max(0, weight)),
  log: (weight) => (weight <= 0.001 ? 0 : 1 + Math.log10(weight) / 3),
};

/** @param {number} change */
export const signedShare = (change) => `${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(2)}`;

/**
 * The scale of a difference between so much and so much, and the marks of its legend.
 *
 * @param {number[]} range
 * @returns {{ scale: Scale, marks: [number, string][] }}
 */
export function aroundZero([least, most]) {
  const far = Math.max(0.05, -least, most);
  return {
    scale: (value) => 0.5 + value / far / 2,
    marks: [-far, 0, far].map((value) => [value, value === 0 ? "0" : signedShare(value)]),
  };
}

/**
 * The greatest value of each block of `by` times `by` cells, row after row; the future is −∞.
 *
 * @param {AttentionMap} map
 * @param {number} by
 */
export function blocksOf(map, by) {
  const n = Math.ceil(map.n / by);
  const greatest = new Float32Array(n * n).fill(-Infinity);
  for (let q = 0, i = 0; q < map.n; q += 1) {
    for (let k = 0; k <= q; k += 1, i += 1) {
      const spot = Math.floor(q / by) * n + Math.floor(k / by);
      if (map.values[i] > greatest[spot]) greatest[spot] = map.values[i];
    }
  }
  return { n, greatest };
}

/**
 * A map as a picture of a point for each cell, or for each block of `by` times `by` cells.
 *
 * @param {AttentionMap} map
 * @param {Scale} scale
 * @param {Colour[]} ramp
 */
export function pictureOf(map, scale, ramp, by = 1) {
  const { n, greatest } = blocksOf(map, by);
  const canvas = document.createElement("canvas");
  canvas.width = n;
  canvas.height = n;
  const pen = penOf(canvas);
  const image = pen.createImageData(n, n);
  greatest.forEach((value, i) => {
    if (value === -Infinity) return; // the future is left clear
    image.data.set([...ramp[tone(scale(value * map.unit))], 255], 4 * i);
  });
  pen.putImageData(image, 0, 0);
  return canvas;
}

/** @param {HTMLCanvasElement} canvas */
export const penOf = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

/**
 * A bar of the ramp with marks below it, each a value in words.
 *
 * @param {HTMLElement} bar
 * @param {HTMLElement} ticks
 * @param {Colour[]} ramp
 * @param {Scale} scale
 * @param {[number, string][]} marks
 */
export function drawLegend(bar, ticks, ramp, scale, marks) {
  const stops = d3.range(17).map((i) => `${inCss(ramp[tone(i / 16)])} ${(100 * i) / 16}%`);
  bar.style.background = `linear-gradient(to right, ${stops.join(",")})`;
  ticks.replaceChildren(
    ...marks.map(([value, words]) => {
      const mark = document.createElement("span");
      mark.textContent = words;
      mark.style.left = `${100 * scale(value)}%`;
      return mark;
    }),
  );
}
