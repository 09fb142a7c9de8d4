/**
 * Attention at the moment of the timeline: one small map per head, from the newest snapshot up to
 * it.
 *
 * @typedef {import("../../lib/store.js").Schema} Schema
 * @typedef {Pick<Schema["SnapshotInfo"], "step" | "tokens" | "weights">} Snapshot
 * @typedef {{ layer: number, head: number, map: number[][] }} Cell
 */
import { ask, isBusy } from "../../lib/api.js";
import { d3 } from "../../lib/d3.js";
import { visible, whole } from "../../lib/format.js";
import { measured, run } from "../../lib/store.js";

const PIXELS = 4; // a side of one weight in the canvas
const HIGH = "14rem"; // of all maps together
const GAP = 4; // pixels
const HOW = "A row is a token that reads, a column a token before it that is read.";

export class Heads {
  /** @type {Map<number, Snapshot>} */
  known = new Map();
  of = measured.snapshots;
  isAsking = false;
  /** @type {Snapshot | null | undefined} */
  painted = undefined;

  /**
   * @param {import("./view.js").Part} part
   * @param {import("./view.js").View} view
   */
  constructor(part, view) {
    this.part = part;
    this.view = view;
  }

  draw() {
    if (this.of !== measured.snapshots) this.known.clear();
    this.of = measured.snapshots;
    const step = this.of.findLast((one) => one <= this.view.step);
    const snapshot = step === undefined ? null : this.known.get(step);
    if (step !== undefined && !snapshot) this.read(step);
    if (snapshot !== undefined && snapshot !== this.painted) this.paint(snapshot);
  }

  /** One request at a time; whoever drags on meanwhile gets the place where they are by then. */
  async read(/** @type {number} */ step) {
    const id = run.value?.id;
    if (this.isAsking || !id) return;
    this.isAsking = true;
    const answer = await ask("snapshot", { run_id: id, step });
    this.isAsking = false;
    if (run.value?.id !== id) return;
    if (answer.error?.code === "lost" || isBusy(answer.error)) return; // with the next move
    this.known.set(step, answer.error ? { weights: [], step, tokens: [] } : answer);
    this.draw();
  }

  /** @param {Snapshot | null} snapshot */
  paint(snapshot) {
    const { part } = this;
    this.painted = snapshot;
    const layers = snapshot ? snapshot.weights : [];
    const isThere = snapshot && layers.length;
    const title = "What each head looks at";
    part("heads-step").textContent = isThere ? `${title}, step ${whole(snapshot.step)}` : title;
    part("heads-told").textContent = isThere ? HOW : "Comes with the first snapshot.";
    const most = `calc((${HIGH} - ${GAP * (layers.length - 1)}px) / ${Math.max(1, layers.length)})`;
    const grid = /** @type {HTMLElement} */ (part("heads"));
    const columns = Math.max(1, layers.length ? layers[0].length : 0);
    grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, ${most}))`;
    const cells = layers.flatMap((maps, layer) =>
      maps.map((map, head) => /** @type {Cell} */ ({ layer, head, map })),
    );
    const tokens = snapshot ? snapshot.tokens : [];
    const color = getComputedStyle(grid).getPropertyValue("--gtt-train").trim();
    d3.select(grid)
      .selectAll("canvas")
      .data(cells)
      .join("canvas")
      .attr("role", "img")
      .attr("aria-label", (cell) => `${named(cell)}: ${strongest(cell.map, tokens)}`)
      .each((cell, i, canvases) => {
        const canvas = /** @type {HTMLCanvasElement} */ (canvases[i]);
        paintHead(canvas, cell.map, color);
        canvas.onpointermove = (event) => {
          const words = wordsAt(canvas, event, cell, tokens);
          if (words) part("heads-told").textContent = words;
        };
      });
  }
}

/** @param {Cell} cell */
const named = ({ layer, head }) => `Layer ${layer}, head ${head}`;

/** @param {HTMLCanvasElement} canvas @param {number[][]} map @param {string} color */
function paintHead(canvas, map, color) {
  const pen = canvas.getContext("2d");
  canvas.width = map.length * PIXELS;
  canvas.height = map.length * PIXELS;
  if (!pen) return;
  pen.fillStyle = color || "#0067a5";
  map.forEach((row, q) => {
    for (let k = 0; k <= q; k += 1) {
      pen.globalAlpha = Math.min(1, row[k]);
      pen.fillRect(k * PIXELS, q * PIXELS, PIXELS, PIXELS);
    }
  });
}

/** What the last token looks at most. @param {number[][]} map @param {string[]} tokens */
function strongest(map, tokens) {
  const q = map.length - 1;
  const most = Math.max(...map[q]);
  const read = visible(tokens[map[q].indexOf(most)] || "");
  return `“${visible(tokens[q] || "")}” looks most at “${read}”, ${Math.round(100 * most)} %`;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {PointerEvent} event
 * @param {Cell} cell
 * @param {string[]} tokens
 */
function wordsAt(canvas, event, cell, tokens) {
  const box = canvas.getBoundingClientRect();
  const count = cell.map.length;
  const q = Math.floor(((event.clientY - box.top) / box.height) * count);
  const k = Math.floor(((event.clientX - box.left) / box.width) * count);
  if (q < 0 || q >= count || k < 0 || k > q) return "";
  const [reader, read] = [q, k].map((place) => visible(tokens[place] || ""));
  const share = (100 * cell.map[q][k]).toFixed(1);
  return `${named(cell)}: “${reader}” looks at “${read}”, ${share} %`;
}
