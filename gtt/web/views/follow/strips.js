/**
 * The numbers of a step as coloured strips on a canvas: a row per head, or one vector in lines; a
 * masked place is hatched. The pointer or the arrow keys read a number out; a click or Enter works
 * it out. The one that is worked out is framed.
 *
 * @typedef {import("./words.js").Spot} Spot
 * @typedef {{
 *   step: import("./words.js").PathStep, tokens: string[], place: number,
 *   lines: (number | null)[][], isWrapped: boolean, worked: Spot, most: number
 * }} Strips `tokens` of the whole path, `most` the greatest number without its sign
 * @typedef {{ left: number, top: number, cell: number, tall: number }} Sizes in pixels
 */
import { d3 } from "../../lib/d3.js";
import { add, isByTouch, onTheme, styleOf } from "../../lib/dom.js";
import { number, visible } from "../../lib/format.js";
import { cellOf, LINE, linesOf, minus, placeOf, spotOf } from "./words.js";

const GAP = 3;
const LABEL = 58;
const LARGEST = 46;
const LONGEST = 8; // signs of a token
const SLANT = -Math.PI / 3.2;
/** @type {Record<string, Spot>} */
const WAYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const BY_TOUCH = "Touch a number to have it worked out.";
const BY_POINTER =
  "Point at a number, or use the arrow keys on the strips, to read it; " +
  "a click or Enter works it out.";

export class StripsView {
  /** @type {Strips | null} */
  #strips = null;
  /** What is read out. @type {Spot | null} */
  #cell = null;
  /** @type {Sizes | null} */
  #sizes = null;

  /**
   * @param {HTMLElement} element
   * @param {(name: string) => any} part
   * @param {(spot: Spot) => void} workOut
   */
  constructor(element, part, workOut) {
    this.element = element;
    this.part = part;
    this.workOut = workOut;
    this.canvas = /** @type {HTMLCanvasElement} */ (part("canvas"));
    this.canvas.onpointermove = (event) => this.#read(this.#cellAt(event));
    this.canvas.onpointerleave = () => {
      if (document.activeElement !== this.canvas) this.#read(null);
    };
    this.canvas.onclick = (event) => this.#choose(this.#cellAt(event));
    this.canvas.onkeydown = (event) => this.#press(event);
    new ResizeObserver(() => this.#paint()).observe(part("vectors"));
    onTheme(() => {
      this.#paint();
      this.#drawLegend();
    });
  }

  /** @param {import("./words.js").PathStep} step @param {import("./words.js").TokenPath} path */
  show(step, { tokens, place }) {
    const { lines, isWrapped } = linesOf(step);
    const values = /** @type {number[]} */ (step.rows.flat().filter((value) => value !== null));
    const worked = cellOf([step.row, step.column], isWrapped);
    const most = Math.max(...values.map(Math.abs)) || 1;
    this.#strips = { step, tokens, place, lines, isWrapped, worked, most };
    const heads = step.rows.length;
    const count =
      heads > 1
        ? `${heads} heads with ${lines[0].length} numbers each`
        : `${values.length} numbers`;
    const range = `from ${number(Math.min(...values))} to ${number(Math.max(...values))}`;
    const keys = "Arrow keys read them out, Enter works one out.";
    this.canvas.setAttribute("aria-label", `${step.title}: ${count}, ${range}. ${keys}`);
    this.#drawLegend();
    // Whoever chose one by keys goes on from there.
    this.#read(document.activeElement === this.canvas ? worked : null);
  }

  get #colours() {
    const middle = d3.color(styleOf(this.element, "--background-fill-secondary"));
    const from = middle ? String(middle) : "#f1f5f9";
    return {
      up: d3.interpolateLab(from, styleOf(this.element, "--gtt-train")),
      down: d3.interpolateLab(from, styleOf(this.element, "--gtt-valid")),
      text: styleOf(this.element, "--body-text-color"),
      subdued: styleOf(this.element, "--body-text-color-subdued"),
    };
  }

  /** @param {Strips} strips @param {number} width @returns {Sizes} */
  #measure({ step, lines, isWrapped }, width) {
    const hasHeads = step.rows.length > 1;
    const left = hasHeads || isWrapped ? LABEL : 4;
    const columns = Math.max(...lines.map((line) => line.length));
    const cell = Math.min((width - left - 4) / columns, LARGEST);
    return { left, top: step.columns === "tokens" ? 54 : 14, cell, tall: hasHeads ? 22 : 26 };
  }

  #paint() {
    const { canvas } = this;
    const width = canvas.parentElement?.clientWidth;
    const strips = this.#strips;
    if (!strips || !width) return;
    const sizes = this.#measure(strips, width);
    this.#sizes = sizes;
    const { left, top, cell, tall } = sizes;
    const dots = window.devicePixelRatio || 1;
    const height = top + strips.lines.length * (tall + GAP);
    canvas.width = Math.round(width * dots);
    canvas.height = Math.round(height * dots);
    canvas.style.height = `${height}px`;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const { up, down, text, subdued } = this.#colours;
    const font = styleOf(this.element, "--font-mono");
    pen.scale(dots, dots);
    pen.font = `12px ${font}`;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    strips.lines.forEach((line, r) => {
      const y = top + r * (tall + GAP);
      pen.fillStyle = subdued;
      if (strips.step.rows.length > 1) pen.fillText(`head ${r}`, 0, y + tall / 2);
      else if (strips.isWrapped) pen.fillText(String(r * LINE), 0, y + tall / 2);
      line.forEach((value, c) => {
        const x = left + c * cell;
        if (value === null) hatch(pen, x, y, cell, tall, subdued);
        else {
          pen.fillStyle = (value < 0 ? down : up)(Math.min(1, Math.abs(value) / strips.most));
          pen.fillRect(x, y, cell > 6 ? cell - 1 : cell + 0.3, tall);
        }
      });
    });
    if (strips.step.columns === "tokens") paintTokens(pen, strips, sizes, { font, text, subdued });
    pen.strokeStyle = text;
    const wide = Math.max(cell, 3) + 1;
    const frame = (/** @type {Spot | null} */ spot, /** @type {number} */ line) => {
      if (!spot) return;
      pen.lineWidth = line;
      pen.strokeRect(left + spot[1] * cell - 1, top + spot[0] * (tall + GAP) - 1, wide, tall + 2);
    };
    frame(strips.worked, 3);
    frame(this.#cell, 2);
  }

  #drawLegend() {
    const place = this.part("legend");
    const strips = this.#strips;
    if (!strips) return;
    const { up, down } = this.#colours;
    const isShare = strips.step.name.endsWith(".weights");
    const stops = isShare ? [0, 0.5, 1].map(up) : [down(1), down(0.5), down(0), up(0.5), up(1)];
    place.replaceChildren();
    add(place, "span", { text: isShare ? "0" : minus(number(-strips.most, 2)) });
    add(place, "i").style.background = `linear-gradient(to right, ${stops.join(", ")})`;
    add(place, "span", { text: number(strips.most, 2) });
    if (!strips.step.rows.flat().includes(null)) return;
    add(place, "i", { class: "masked" });
    add(place, "span", { text: "masked: the future" });
  }

  /** Reads a number out. @param {Spot | null} cell of the lines */
  #read(cell) {
    const strips = this.#strips;
    if (!strips) return;
    this.#cell = cell;
    this.#paint();
    this.part("read").textContent = cell
      ? saidOf(strips, cell)
      : isByTouch()
        ? BY_TOUCH
        : BY_POINTER;
  }

  /** @param {Spot | null} cell */
  #choose(cell) {
    if (cell && this.#strips) this.workOut(spotOf(cell, this.#strips.isWrapped));
  }

  /** @param {MouseEvent} event @returns {Spot | null} */
  #cellAt(event) {
    if (!this.#strips || !this.#sizes) return null;
    const { left, top, cell, tall } = this.#sizes;
    const box = this.canvas.getBoundingClientRect();
    const c = Math.floor((event.clientX - box.left - left) / cell);
    const r = Math.floor((event.clientY - box.top - top) / (tall + GAP));
    return c >= 0 && c < (this.#strips.lines[r]?.length ?? 0) ? [r, c] : null;
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const strips = this.#strips;
    const way = WAYS[event.key];
    if (event.key === "Enter" && this.#cell) {
      event.preventDefault();
      this.#choose(this.#cell);
    }
    if (!way || !strips) return;
    event.preventDefault();
    event.stopPropagation();
    const [r, c] = this.#cell || [0, -1];
    const row = Math.max(0, Math.min(strips.lines.length - 1, r + way[0]));
    const column = Math.max(0, Math.min(strips.lines[row].length - 1, c + way[1]));
    this.#read([row, column]);
  }
}

/** @param {Strips} strips @param {Spot} cell */
function saidOf({ step, tokens, lines, isWrapped }, cell) {
  const value = lines[cell[0]][cell[1]];
  const place = placeOf(step, tokens, spotOf(cell, isWrapped));
  if (value === null) return `${place}: masked, −∞`;
  if (step.name.endsWith(".weights")) return `${place}: ${value.toFixed(3)} of the attention`;
  return `${place}: ${minus(value.toFixed(4))}`;
}

/**
 * The tokens over the strips.
 *
 * @param {CanvasRenderingContext2D} pen
 * @param {Strips} strips
 * @param {Sizes} sizes
 * @param {{ font: string, text: string, subdued: string }} look
 */
function paintTokens(pen, { tokens, place }, { left, top, cell }, { font, text, subdued }) {
  tokens.forEach((token, i) => {
    const word = visible(token);
    pen.save();
    pen.translate(left + (i + 0.5) * cell, top - 5);
    pen.rotate(SLANT);
    pen.fillStyle = i === place ? text : subdued;
    pen.font = `${i === place ? "bold " : ""}${cell < 11 ? 9 : 12}px ${font}`;
    pen.fillText(word.length > LONGEST ? `${word.slice(0, LONGEST - 1)}…` : word, 0, 0);
    pen.restore();
  });
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {number} y
 * @param {number} wide
 * @param {number} tall
 * @param {string} colour
 */
function hatch(pen, x, y, wide, tall, colour) {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, wide - 1, tall);
  pen.clip();
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.6;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let from = -tall; from < wide; from += 5) {
    pen.moveTo(x + from, y + tall);
    pen.lineTo(x + from + tall, y);
  }
  pen.stroke();
  pen.restore();
}
