/** An attention map on its canvas: cells, figures, outlines, crosshair and tokens at the edges. */
import { valueAt } from "../../lib/attention_map.js";
import { styleOf } from "../../lib/dom.js";
import { inkOn, isDark, tone } from "./colours.js";
import { hasRoom } from "./map_layout.js";

/**
 * @typedef {import("./map_view.js").MapView} MapView
 * @typedef {import("./map_layout.js").Layout} Layout
 */

/** @param {MapView} view */
export function paintMap(view) {
  if (!view.map || !view.layout || !view.shown || !view.picture) return;
  const { pen, map, host, shown, cross, picture } = view;
  const { cell, left, top, width, height, dots } = view.layout;
  const x0 = left - host.scrollLeft;
  const y0 = top - host.scrollTop;
  const side = map.n * cell;
  pen.setTransform(dots, 0, 0, dots, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width - left, height - top);
  pen.clip();
  pen.fillStyle = hatch(pen);
  pen.fillRect(x0, y0, side, side);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(picture, x0, y0, side, side);
  if (cell >= 30) paintFigures(view, map, shown, cell, x0, y0);
  pen.lineWidth = Math.max(1, Math.min(2.5, cell / 6));
  pen.strokeStyle = styleOf(host, "--gtt-valid") || "#c44900";
  const inner = Math.max(1, cell - 2);
  for (const [q, k] of shown.outlined || []) {
    pen.strokeRect(x0 + k * cell + 1, y0 + q * cell + 1, inner, inner);
  }
  if (cross) paintCross(view, cross, cell, x0, y0, side);
  pen.restore();
  paintAxes(view, view.layout, x0, y0);
}

/** Nobody may look ahead: those cells are hatched. @param {CanvasRenderingContext2D} target */
function hatch(target) {
  const tile = document.createElement("canvas");
  const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext("2d"));
  tile.width = 8;
  tile.height = 8;
  pen.strokeStyle = isDark() ? "rgba(255,255,255,.10)" : "rgba(0,0,0,.09)";
  pen.beginPath();
  for (const [sum, low, high] of [
    [0, -2, 2],
    [8, -2, 10],
    [16, 6, 10],
  ]) {
    pen.moveTo(low, sum - low);
    pen.lineTo(high, sum - high);
  }
  pen.stroke();
  return /** @type {CanvasPattern} */ (target.createPattern(tile, "repeat"));
}

/**
 * The numbers themselves, where there is room for them.
 *
 * @param {MapView} view
 * @param {import("./map_view.js").AttentionMap} map
 * @param {import("./map_view.js").Shown} shown
 * @param {number} cell
 * @param {number} x0
 * @param {number} y0
 */
function paintFigures({ pen, host }, map, shown, cell, x0, y0) {
  const { least = 0.01, brief = briefly, ramp, scale } = shown;
  pen.font = `11px ${getComputedStyle(host).fontFamily}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  for (let q = 0; q < map.n; q += 1) {
    for (let k = 0; k <= q; k += 1) {
      const value = valueAt(map, q, k);
      if (Math.abs(value) < least) continue;
      pen.fillStyle = inkOn(ramp[tone(scale(value))]);
      pen.fillText(brief(value), x0 + (k + 0.5) * cell, y0 + (q + 0.5) * cell);
    }
  }
}

/** @param {number} value */
const briefly = (value) => value.toFixed(2).replace(/^(-?)0\./, "$1.");

/**
 * @param {MapView} view
 * @param {import("./map_view.js").Cell} cross
 * @param {number} cell
 * @param {number} x0
 * @param {number} y0
 * @param {number} side
 */
function paintCross({ pen, host }, cross, cell, x0, y0, side) {
  pen.strokeStyle = styleOf(host, "--body-text-color") || "#000";
  pen.lineWidth = 1;
  pen.globalAlpha = 0.55;
  pen.strokeRect(x0, y0 + cross.q * cell, side, cell);
  pen.strokeRect(x0 + cross.k * cell, y0, cell, side);
  pen.globalAlpha = 1;
  pen.lineWidth = 2;
  pen.strokeRect(x0 + cross.k * cell, y0 + cross.q * cell, cell, cell);
}

/**
 * Tokens at the edges, as many as there is room for.
 *
 * @param {MapView} view
 * @param {Layout} layout
 * @param {number} x0
 * @param {number} y0
 */
function paintAxes({ pen, host, labels, cross }, layout, x0, y0) {
  const { cell, left, top, width, height, angle } = layout;
  const strong = styleOf(host, "--body-text-color") || "#000";
  const faint = styleOf(host, "--body-text-color-subdued") || strong;
  const font = `12px ${getComputedStyle(host).fontFamily}`;
  const { q: row, k: column } = cross || { q: -1, k: -1 };

  /** @param {string} text @param {number} x @param {number} y @param {boolean} isChosen */
  function write(text, x, y, isChosen, turn = 0) {
    pen.save();
    pen.translate(x, y);
    pen.rotate(turn);
    pen.font = `${isChosen ? "600 " : ""}${font}`;
    pen.textAlign = turn ? "left" : "right";
    pen.textBaseline = "middle";
    pen.fillStyle = isChosen ? strong : faint;
    pen.fillText(text, 0, 0, left - 8);
    pen.restore();
  }

  labels.forEach((text, i) => {
    const x = x0 + (i + 0.5) * cell;
    const y = y0 + (i + 0.5) * cell;
    if (y > top && y < height && hasRoom(i, row, cell)) write(text, left - 6, y, i === row);
    if (x > left && x < width && hasRoom(i, column, cell)) {
      write(text, x, top - 7, i === column, angle);
    }
  });
}
