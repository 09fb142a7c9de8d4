/**
 * One attention map with tokens on both axes, in a room that can be scrolled: only what is seen of
 * it is drawn, so that 256 tokens can be as large as one wants. A crosshair follows pointer and
 * keys.
 *
 * @typedef {import("../../lib/attention_map.js").AttentionMap} AttentionMap
 * @typedef {{ q: number, k: number }} Cell the token that reads, and the one that is read
 * @typedef {object} Shown how a map is shown
 * @property {import("./colours.js").Colour[]} ramp
 * @property {import("./colours.js").Scale} scale
 * @property {number[][]} [outlined] pairs of query and key
 * @property {number} [least] what is written in a cell at least
 * @property {(value: number) => string} [brief] how it is written
 */
import { strongestOf } from "../../lib/attention_map.js";
import { visible } from "../../lib/format.js";
import { penOf, pictureOf } from "./colours.js";
import { layOut } from "./map_layout.js";
import { paintMap } from "./map_painting.js";

const LONGEST_LABEL = 14; // signs
const LARGEST_CELL = 46; // pixels
const ROOM = 640; // pixels of height in which a larger map scrolls
const BESIDE = 16; // pixels that a map is higher than wide
const EDGES = 90; // pixels that its names take
const ZOOM = 1.5;

/** @param {string} token */
function labelOf(token) {
  const shown = visible(token);
  return shown.length > LONGEST_LABEL ? `${shown.slice(0, LONGEST_LABEL - 1)}…` : shown;
}

export class MapView {
  /** The cell under the crosshair. @type {Cell | null} */
  cross = null;
  /** @type {AttentionMap | null} */
  map = null;
  /** @type {string[]} */
  labels = [];
  /** @type {Shown | null} */
  shown = null;
  /** @type {HTMLCanvasElement | null} */
  picture = null;
  /** @type {import("./map_layout.js").Layout | null} */
  layout = null;
  #awaited = 0; // tokens of a map that is to come
  #width = 0;
  /** The size of a cell that somebody chose. @type {number | null} */
  #zoom = null;

  /**
   * @param {HTMLElement} host
   * @param {object} more
   * @param {string} more.named
   * @param {(q: number, k: number) => void} more.moved the crosshair is on another cell
   * @param {(q: number) => void} [more.picked] a row is chosen
   * @param {number} [more.largest] pixels of a cell
   */
  constructor(host, { named, moved, picked, largest = LARGEST_CELL }) {
    this.host = host;
    this.moved = moved;
    this.picked = picked;
    this.largest = largest;
    this.room = document.createElement("div");
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-roledescription", "attention map");
    this.canvas.setAttribute("aria-label", `${named}: arrow keys move over its cells`);
    this.pen = penOf(this.canvas);
    this.room.append(this.canvas);
    host.append(this.room);
    host.onscroll = () => this.draw();
    new ResizeObserver(() => {
      if (host.clientWidth && host.clientWidth !== this.#width) this.#plan();
    }).observe(host);
    this.canvas.onpointermove = (event) => this.#point(event);
    this.canvas.onclick = (event) => {
      this.#point(event);
      if (this.cross) this.picked?.(this.cross.q);
    };
    this.canvas.onkeydown = (event) => this.#press(event);
    this.canvas.onfocus = () => {
      if (!this.map || this.cross) return;
      const { q, k } = strongestOf(this.map);
      this.#go(q, k);
    };
  }

  /** @param {AttentionMap} map @param {string[]} tokens @param {Shown} shown */
  show(map, tokens, shown) {
    if (this.map?.n !== map.n) {
      this.cross = null;
      this.#zoom = null;
    }
    this.map = map;
    this.shown = shown;
    this.labels = tokens.map(labelOf);
    this.picture = pictureOf(map, shown.scale, shown.ramp);
    this.#plan();
  }

  /** Keeps the room of a map that is still to come, of so many tokens at most. @param {number} n */
  reserve(n) {
    this.#awaited = n;
    const wide = this.host.clientWidth;
    const high = Math.min(wide + BESIDE, n * this.largest + EDGES);
    if (wide) this.host.style.minHeight = `${high}px`;
  }

  release() {
    this.#awaited = 0;
    this.host.style.minHeight = "";
  }

  #plan() {
    const { host, map, pen, room, canvas } = this;
    this.#width = host.clientWidth;
    if (this.#awaited) this.reserve(this.#awaited);
    if (!map || !this.#width) return;
    pen.font = `12px ${getComputedStyle(host).fontFamily}`;
    const widths = this.labels.map((text) => pen.measureText(text).width);
    const layout = layOut(map.n, this.#width, Math.max(...widths), this.largest, this.#zoom);
    room.style.width = `${layout.across}px`;
    room.style.height = `${layout.down}px`;
    host.style.height = this.#zoom ? `${Math.min(layout.down, ROOM)}px` : "";
    const width = Math.min(layout.across, this.#width);
    const height = this.#zoom ? Math.min(layout.down, ROOM) : layout.down;
    const dots = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * dots);
    canvas.height = Math.round(height * dots);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    this.layout = { ...layout, width, height, dots };
    this.draw();
  }

  draw() {
    paintMap(this);
  }

  /** @param {MouseEvent} event */
  #point(event) {
    if (!this.map || !this.layout) return;
    const { left, top, cell } = this.layout;
    const box = this.canvas.getBoundingClientRect();
    const k = Math.floor((event.clientX - box.left + this.host.scrollLeft - left) / cell);
    const q = Math.floor((event.clientY - box.top + this.host.scrollTop - top) / cell);
    if (q >= 0 && q < this.map.n && k >= 0 && k < this.map.n) this.#go(q, k);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (!this.map) return;
    const { q, k } = this.cross || strongestOf(this.map);
    /** @type {Record<string, [number, number]>} */
    const ways = {
      ArrowUp: [q - 1, k],
      ArrowDown: [q + 1, k],
      ArrowLeft: [q, k - 1],
      ArrowRight: [q, k + 1],
      Home: [q, 0],
      End: [q, q],
      PageUp: [q - 10, k],
      PageDown: [q + 10, k],
    };
    const to = ways[event.key];
    if (to) {
      const row = Math.max(0, Math.min(this.map.n - 1, to[0]));
      this.#go(row, Math.max(0, Math.min(row, to[1])));
      this.#bring();
    } else if (event.key === "+") this.enlarge();
    else if (event.key === "-") this.shrink();
    else if (event.key === "Enter" && this.cross) this.picked?.(this.cross.q);
    else return;
    event.preventDefault();
  }

  /** @param {number} q @param {number} k */
  #go(q, k) {
    if (this.cross?.q === q && this.cross.k === k) return;
    this.cross = { q, k };
    this.draw();
    this.moved(q, k);
  }

  /** Scrolls so far that the crosshair is seen. */
  #bring() {
    const { host, cross, layout } = this;
    if (!this.#zoom || !cross || !layout) return;
    const { cell, left, top, width, height } = layout;
    const x = cross.k * cell;
    const y = cross.q * cell;
    if (x < host.scrollLeft) host.scrollLeft = x;
    else if (x + cell > host.scrollLeft + width - left) host.scrollLeft = x + cell - width + left;
    if (y < host.scrollTop) host.scrollTop = y;
    else if (y + cell > host.scrollTop + height - top) host.scrollTop = y + cell - height + top;
  }

  enlarge() {
    this.#resize((this.layout?.cell || 0) * ZOOM);
  }

  shrink() {
    this.#resize((this.layout?.cell || 0) / ZOOM);
  }

  /** As large as fits. */
  fit() {
    this.#resize(0);
  }

  /** @param {number} cell pixels */
  #resize(cell) {
    if (!this.map || !this.layout) return;
    this.release();
    this.#zoom = cell > this.layout.fitting * 1.02 ? Math.min(this.largest, cell) : null;
    this.#plan();
    this.#bring();
    this.draw();
  }
}
