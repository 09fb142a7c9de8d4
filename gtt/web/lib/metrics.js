/**
 * The metrics of a run, as they are declared on the fields of its events in Python.
 *
 * @typedef {{ name: string, caption: string, form: keyof typeof FORMS, place: number | null }} Metric
 *   its place among the small charts, null where it has none
 */
import { megabytes, percent, rate, whole } from "./format.js";

/** How a figure is written, and where its axis ends if not at its highest point. */
const FORMS = {
  decimals: { text: (/** @type {number} */ value) => value.toFixed(2) },
  digits: { text: rate },
  whole: { text: whole },
  share: { text: percent, top: 1 },
  bytes: { text: megabytes },
};

/** @param {Metric} metric @returns {{ text: (value: number) => string, top?: number }} */
export const formOf = (metric) => FORMS[metric.form];

/** Those with a small chart, in their order. @param {Metric[]} metrics */
export const inSmallCharts = (metrics) =>
  metrics
    .filter((metric) => metric.place !== null)
    .sort((a, b) => Number(a.place) - Number(b.place));
