/** The drawing of the draft, or of the run that is looked at, and what a person does with it. */
import { newest } from "../../lib/asking.js";
import { d3 } from "../../lib/d3.js";
import { add, partsOf, tell } from "../../lib/dom.js";
import { whole } from "../../lib/format.js";
import { changesBetween, isSame } from "./changes.js";
import { Drawing, isBlock } from "./drawing.js";
import { Health } from "./health.js";
import { heightFor, layOut, measures, neighbourOf, WIDE } from "./layout.js";
import { Panel } from "./panel.js";
import { blockOf, LETTERS, sizesOf } from "./parts.js";

/**
 * @typedef {import("./parts.js").Drawn} Drawn
 * @typedef {import("./graph.js").Box} Box
 */

/** @type {Record<string, [number, number]>} */
const WAYS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const NARROW = 480; // pixels of the sheet below which shapes stand as letters
const LEAST = 0.25;
const MOST = 3;
const FITS = 1.1; // how large it gets by itself at most

/** How large the drawing is in so much room. @param {number} room @param {number} width */
const fitting = (room, width) => Math.min(FITS, Math.max(room / width, 0.9));

export class ArchitectureView {
  /** The id of the run that is looked at. @type {string | null} */
  runId = null;
  /** @type {Drawn | null} */
  draft = null;
  /** @type {Drawn | null} */
  ofRun = null;
  differs = false; // whether the two are other models
  showsRun = false;
  /** @type {ReturnType<typeof layOut> | null} */
  laid = null;
  /** @type {Set<number>} */
  folded = new Set();
  /** The part that is explained. @type {string | null} */
  chosen = null;
  changed = { nodes: /** @type {Set<string>} */ (new Set()), shapes: new Set() };
  isNarrow = false;
  #at = ""; // the part that Tab comes to
  #blocks = 0; // how many were ever there
  /** @type {number | null} */
  #zoom = null;
  #factor = 1;
  #hasChosenShapes = false;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.part = partsOf(element);
    this.say = (/** @type {string} */ sentence) => tell(this.part("said"), sentence);
    this.ask = newest(this.say);
    this.drawing = new Drawing(this);
    this.health = new Health(this);
    this.panel = new Panel(this);
    this.#listen();
  }

  /** What is drawn; only asked for once something is. @returns {Drawn} */
  get drawn() {
    return /** @type {Drawn} */ (this.showsRun ? this.ofRun : this.draft);
  }

  /** Whether what is drawn is as the run is. */
  get showsRunsModel() {
    return this.showsRun || !this.differs;
  }
  #listen() {
    const { element, part } = this;
    const sheet = part("sheet");
    for (const choice of this.#choices()) {
      choice.onchange = () => this.showRun(choice.value === "run");
    }
    part("larger").onclick = () => this.#zoomBy(1.25);
    part("smaller").onclick = () => this.#zoomBy(0.8);
    part("fit").onclick = () => {
      if (!this.laid) return;
      const { width, height } = this.laid;
      const room = [sheet.clientWidth / width, (window.innerHeight - 40) / height];
      this.#zoomTo(Math.min(FITS, ...room));
    };
    sheet.addEventListener(
      "wheel",
      (/** @type {WheelEvent} */ event) => {
        if (!event.ctrlKey || !this.laid) return;
        event.preventDefault();
        this.#zoomBy(event.deltaY < 0 ? 1.1 : 0.9);
      },
      { passive: false },
    );
    part("folding").onclick = () => {
      const isOpen = this.folded.size < this.#blocks;
      this.folded = new Set(isOpen ? this.#blocksOf(this.drawn) : []);
      this.draw();
    };
    part("shapes").onchange = () => {
      this.#hasChosenShapes = true;
      if (this.laid) this.drawing.drawWires(this.laid);
    };
    let width = 0;
    new ResizeObserver(() => {
      if (!sheet.clientWidth || sheet.clientWidth === width) return;
      width = sheet.clientWidth;
      if (this.drawn) this.draw();
      else this.reserve();
    }).observe(sheet);
    // The panel sticks to the window, which it cannot where a box around it hides what overflows.
    for (let box = element; box && box !== document.body; ) {
      if (getComputedStyle(box).overflowY === "hidden") box.style.overflow = "visible";
      box = /** @type {HTMLElement} */ (box.parentElement);
    }
  }

  /** @returns {HTMLInputElement[]} */
  #choices() {
    return [...this.element.querySelectorAll("input")].filter((one) => one.name === "gtt-whose");
  }

  /** Another draft. @param {Drawn} draft @param {boolean} isByHand whether a person changed it */
  takeDraft(draft, isByHand) {
    const before = this.draft;
    this.draft = draft;
    const mark = (/** @type {Drawn} */ one) => [one.nodes, one.config];
    if (before && isByHand && !isSame(mark(before), mark(draft))) {
      const { nodes, shapes, said } = changesBetween(before, draft);
      this.changed = { nodes, shapes };
      if (said) this.part("changed").textContent = said;
    }
    this.compare();
  }

  /** Where the draft and the run are the same model there is nothing to choose. */
  compare() {
    const { draft, ofRun } = this;
    if (!draft) return;
    const shape = (/** @type {Drawn} */ one) => [
      { ...one.config, dropout: 0, attention: "" },
      one.vocab_size,
    ];
    this.differs = Boolean(ofRun && !isSame(shape(ofRun), shape(draft)));
    this.part("whose").hidden = !this.differs;
    this.showRun(this.showsRun && this.differs);
  }

  /** @param {boolean} isWanted */
  showRun(isWanted) {
    this.showsRun = isWanted && Boolean(this.ofRun);
    for (const choice of this.#choices()) {
      choice.checked = (choice.value === "run") === this.showsRun;
    }
    this.element.dataset.shows = this.showsRun ? "run" : "draft";
    this.draw();
    if (this.drawn) this.panel.show();
  }

  /** @param {Drawn} drawn */
  #blocksOf(drawn) {
    const all = drawn.nodes.map((node) => blockOf(node.id));
    return new Set(all.filter((block) => block !== null));
  }

  draw() {
    const { drawn, part, drawing } = this;
    if (!drawn) return;
    const sheet = part("sheet");
    const room = sheet.clientWidth || WIDE.width;
    const isNarrow = room < NARROW;
    if (isNarrow !== this.isNarrow || !this.laid) {
      this.isNarrow = isNarrow;
      if (!this.#hasChosenShapes) part("shapes").value = isNarrow ? "letters" : "numbers";
    }
    // At first all blocks but the first are folded; one that is new is folded as well.
    const blocks = this.#blocksOf(drawn);
    for (const block of blocks) if (block >= this.#blocks && block > 0) this.folded.add(block);
    this.#blocks = Math.max(this.#blocks, blocks.size);
    const laid = layOut(drawn, this.folded, room);
    this.laid = laid;
    sheet.style.minHeight = "";
    sheet.classList.remove("waits");
    const ids = [...laid.boxes, ...laid.frames].map((one) => one.id);
    if (!ids.includes(this.#at)) this.#at = laid.boxes[0].id;
    drawing.draw(laid, isNarrow);
    this.#listLetters(sizesOf(drawn), drawn.vocabulary_is_assumed);
    this.#zoomTo(this.#zoom);
    this.health.paint();
    const isOpen = this.folded.size < this.#blocks;
    part("folding").textContent = isOpen ? "Fold all blocks" : "Unfold all blocks";
  }

  /**
   * .
   */
  reserve() {
    const room = this.part("sheet").clientWidth;
    const layers = /** @type {HTMLInputElement | null} */ (
      document.querySelector("#model-n_layers input")
    );
    const height = heightFor(Number(layers?.value || 1)) * fitting(room, measures(room).width);
    this.part("sheet").style.minHeight = room ? `${Math.round(height)}px` : "";
    this.#listLetters({}, false);
  }

  /** @param {Record<string, number>} sizes @param {boolean} isAssumed the vocabulary */
  #listLetters(sizes, isAssumed) {
    const list = this.part("letters");
    list.textContent = "";
    for (const [letter, what] of Object.entries(LETTERS)) {
      const one = add(list, "div");
      const value = letter in sizes ? whole(sizes[letter]) : "…\u2007\u2007";
      const isNear = isAssumed && letter === "V";
      const title = isNear ? "Known exactly as soon as the text is read" : "";
      add(one, "dt", { text: letter });
      add(one, "dd", { text: `${isNear ? "≈ " : ""}${value} ${what}`, title });
    }
  }

  /**
   * The drawing grows in its sheet, which scrolls sideways; the page's own scrolling is left alone.
   *
   * @param {number | null} zoom null where nobody chose one
   */
  #zoomTo(zoom) {
    if (!this.laid) return;
    const { width, height } = this.laid;
    this.#zoom = zoom;
    this.#factor = zoom ?? fitting(this.part("sheet").clientWidth || width, width);
    this.drawing.svg
      .attr("width", Math.round(width * this.#factor))
      .attr("height", Math.round(height * this.#factor));
    this.part("zoom").textContent = `${Math.round(100 * this.#factor)} %`;
  }

  /** @param {number} factor */
  #zoomBy(factor) {
    this.#zoomTo(Math.min(MOST, Math.max(LEAST, this.#factor * factor)));
  }

  /** Makes parts answer to keys and clicks. @param {import("./drawing.js").Layer} parts */
  behave(parts) {
    parts
      .attr("tabindex", (box) => (box.id === this.#at ? 0 : -1))
      .attr("data-id", (box) => box.id)
      .classed("chosen", (box) => box.id === this.chosen)
      .on("click", (box) => this.#act(box))
      .on("keydown", (box) => this.#press(d3.event, box))
      .on("focus", (box) => {
        this.#at = box.id;
        this.drawing.parts.attr("tabindex", (one) => (one.id === box.id ? 0 : -1));
      });
  }

  /** @param {Box} box */
  #act(box) {
    this.chosen = box.id;
    if (isBlock(box)) this.#fold(Number(box.block));
    else this.drawing.parts.classed("chosen", (one) => one.id === box.id);
    this.panel.show();
  }

  close() {
    this.chosen = null;
    this.drawing.parts.classed("chosen", false);
    this.panel.show();
  }

  /** @param {number} block */
  #fold(block) {
    if (!this.folded.delete(block)) this.folded.add(block);
    const hadFocus = this.drawing.hasFocus;
    this.#at = `block:${block}`;
    this.draw();
    if (hadFocus) this.drawing.focus(this.#at);
  }

  /** @param {KeyboardEvent} event @param {Box} box */
  #press(event, box) {
    const way = WAYS[event.key];
    if (event.key === "Enter" || event.key === " ") this.#act(box);
    else if (!way || !this.laid) return;
    else {
      const all = /** @type {Box[]} */ ([...this.laid.boxes, ...this.laid.frames]);
      const next = neighbourOf(all, box, way);
      if (next) this.drawing.focus(next.id);
    }
    event.preventDefault();
  }
}
