/** Rough figures in words: what is estimated has few digits. */
import { whole } from "../../lib/format.js";

/** @type {[number, string][]} */
const UNITS = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** With three digits and its unit. @param {number} figure */
export function short(figure) {
  const [size, unit] = UNITS.find(([least]) => figure >= least) || [1, ""];
  return unit ? `${(figure / size).toPrecision(3)} ${unit}` : `${Math.round(figure)}`;
}

/** @param {number} count */
export function bytes(count) {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  if (count >= 1e6) return `${whole(count / 1e6)} MB`;
  return count ? `${whole(Math.max(1, count / 1e3))} kB` : "0";
}

/** A time in one unit. @param {number} seconds */
export function roughly(seconds) {
  if (seconds < 0.0995) return `${(seconds * 1e3).toPrecision(2)} ms`;
  if (seconds < 0.995) return `${Math.round(seconds * 100) * 10} ms`;
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} hours`;
  return `${whole(seconds / 86400)} days`;
}

/** @param {number} part @param {number} total */
export function shareOf(part, total) {
  const percent = (100 * part) / (total || 1);
  return percent > 0 && percent < 1 ? "<1 %" : `${Math.round(percent)} %`;
}
