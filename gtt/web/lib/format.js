/** Figures and tokens as text. Nothing that was not measured is written as "–". */

const NONE = "–";

/** @typedef {number | null | undefined} Figure */

/** @param {unknown} value @returns {value is null | undefined} */
export const isMissing = (value) => value === null || value === undefined;

/** @param {Figure} value */
export const number = (value, digits = 3) => (isMissing(value) ? NONE : value.toFixed(digits));

/** @param {Figure} value */
export const whole = (value) => (isMissing(value) ? NONE : Math.round(value).toLocaleString("en"));

/** A rate as the settings write it, 0.008, as long as that can be read. @param {Figure} value */
export function rate(value) {
  if (isMissing(value)) return NONE;
  if (value && Math.abs(value) < 1e-4) return value.toExponential(1);
  return String(Number(value.toPrecision(2)));
}

/** A share of one; small ones to a tenth. @param {number} share */
export const percent = (share) => `${+(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

/** A probability; what is below a thousandth is not told apart. @param {number} share */
export function probability(share) {
  if (share >= 0.0995) return `${Math.round(100 * share)} %`;
  if (share >= 0.00095) return `${(100 * share).toFixed(1)} %`;
  return share > 0 ? "<0.1 %" : "0 %";
}

/** A number of parameters; a half is rounded up, as `size_name` does it. @param {number} count */
export function size(count) {
  if (count < 99500) return `${Math.round(count / 1e3)} k`;
  const [unit, letter] = count < 999950000 ? [1e6, "M"] : [1e9, "B"];
  return `${(Math.round((10 * count) / unit) / 10).toFixed(1)} ${letter}`;
}

/** A time. @param {Figure} seconds */
export function duration(seconds) {
  if (isMissing(seconds)) return "";
  const all = Math.round(seconds);
  const minutes = Math.floor(all / 60);
  const hours = Math.floor(minutes / 60);
  const two = (/** @type {number} */ rest) => String(rest % 60).padStart(2, "0");
  if (hours) return `${hours} h ${two(minutes)} min`;
  return minutes ? `${minutes} min ${two(all)} s` : `${all} s`;
}

/** A time as people say it. @param {number} seconds */
export function roughly(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = seconds / 60;
  return minutes < 90 ? `${Math.round(minutes)} min` : `${(minutes / 60).toFixed(1)} h`;
}

/** The time of one step. @param {number} seconds */
export const brief = (seconds) =>
  seconds < 1 ? `${Math.round(1000 * seconds)} ms` : `${seconds.toFixed(1)} s`;

/** A tick of an axis. @param {number} value */
export const tick = (value) =>
  value >= 1e5 ? `${+(value / 1e3).toPrecision(3)}k` : `${+value.toPrecision(3)}`;

/** What so many nats come to: one right guess in so many. @param {number} nats */
export function oneIn(nats) {
  const tokens = Math.exp(nats);
  if (tokens >= 1e6) return tokens.toExponential(1);
  return tokens >= 100 ? whole(tokens) : tokens.toPrecision(2);
}

/** A state of a run in words. @param {string} state */
export const stateInWords = (state) => state.replace(/_/g, " ");

/** @type {Record<string, string>} */
const SIGNS = { " ": "·", "\n": "↵", "\t": "⇥", "\r": "␍" };

/**
 * A token so that it can be seen: blanks and breaks have signs of their own.
 *
 * @param {string} text
 */
export const visible = (text) => (text === "" ? "∅" : text.replace(/[ \n\t\r]/g, (c) => SIGNS[c]));

/** @param {number} bytes */
export const megabytes = (bytes) => `${whole(bytes / 1e6)} MB`;
