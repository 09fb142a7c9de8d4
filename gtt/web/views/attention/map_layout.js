/**
 * How large the cells of an attention map are, and where they begin.
 *
 * @typedef {object} Sizes in pixels
 * @property {number} cell
 * @property {number} fitting a cell with which the whole map fits in
 * @property {number} left room for the names of the rows
 * @property {number} top room for those of the columns
 * @property {number} angle of the names of the columns
 * @property {number} across the whole map
 * @property {number} down
 * @typedef {Sizes & { width: number, height: number, dots: number }} Layout with what is seen of it
 *   and how many dots a pixel has
 */

const UPRIGHT = -Math.PI / 2;

/**
 * @param {number} n tokens
 * @param {number} width of the room
 * @param {number} widest label
 * @param {number} largest cell
 * @param {number | null} zoom the size of a cell that somebody chose
 * @returns {Sizes}
 */
export function layOut(n, width, widest, largest, zoom) {
  const longest = Math.min(width < 480 ? 64 : 96, widest);
  const left = longest + 10;
  const slanted = zoom || (width - left - 8) / n;
  const angle = slanted >= 15 ? -Math.PI / 3 : UPRIGHT;
  const right = angle === UPRIGHT ? 6 : Math.max(6, Math.ceil(longest / 2 - slanted / 2));
  const top = angle === UPRIGHT ? longest + 14 : Math.ceil(longest * 0.87) + 18;
  const fitting = Math.min(largest, Math.max(1, (width - left - right) / n));
  const cell = zoom || fitting;
  const across = left + n * cell + right;
  return { cell, fitting, left, top, angle, across, down: top + n * cell + 4 };
}

/**
 * Which labels have room: every second, third, … one, and the chosen one, which none touches.
 *
 * @param {number} i
 * @param {number} chosen −1 where none is
 * @param {number} cell pixels
 */
export function hasRoom(i, chosen, cell) {
  if (i === chosen) return true;
  const every = Math.max(1, Math.ceil(12 / cell));
  return i % every === 0 && (chosen < 0 || Math.abs(i - chosen) * cell >= 12);
}
