/** What the chosen part is: in words, as a formula, in figures, and as its lines of source. */
import { add } from "../../lib/dom.js";
import { whole } from "../../lib/format.js";
import { FIGURES, partsFor, toldOf } from "./figures.js";
import { totalsOf } from "./graph.js";
import { blockOf, inLetters, wordsOf } from "./parts.js";

/**
 * @typedef {import("./parts.js").Node} Node
 * @typedef {import("./parts.js").Drawn} Drawn
 * @typedef {import("../../lib/concepts.js").Concept} Concept
 */

const CHOOSE =
  "Choose a part to read what it does, with its figures and the lines of source that do it.";
const LEGEND =
  "The thick line is the residual stream: parts read from it and add to it. A filled box has " +
  "weights. P stands for parameters, ×+ for multiply-adds where room is short.";
const OFF = "Switched off in this model: the dashed outline shows where it would be.";

export class Panel {
  /** @type {Record<string, Concept>} */
  concepts = {};

  /** @param {import("./view.js").ArchitectureView} view */
  constructor(view) {
    this.view = view;
    this.panel = /** @type {HTMLElement} */ (view.part("panel"));
  }

  /** What is chosen, or else the whole. */
  show() {
    const { chosen } = this.view;
    if (chosen) this.#explain(chosen);
    else this.#explainWhole(this.view.drawn);
  }

  /** @param {Drawn} drawn */
  #explainWhole(drawn) {
    const { panel } = this;
    panel.textContent = "";
    panel.classList.remove("about");
    add(panel, "h3", { text: "The whole model" });
    add(panel, "p", { class: "subdued", text: CHOOSE });
    const table = add(panel, "dl", { class: "figures" });
    const work = drawn.nodes.reduce((sum, node) => sum + node.multiply_adds, 0);
    pair(table, "Parameters", whole(drawn.parameters));
    const batch = `for a batch of ${drawn.batch} × ${drawn.tokens} tokens`;
    pair(table, "Multiply-adds", `${whole(work)} ${batch}`);
    pair(table, "Operations", String(drawn.nodes.length));
    add(panel, "p", { class: "subdued", text: LEGEND });
  }

  /** @param {string} id */
  #explain(id) {
    const { panel, view } = this;
    const block = /^block:(\d+)$/.exec(id);
    const isGhost = view.drawn.missing.some((node) => node.id === id);
    const node = this.#nodeOf(id);
    panel.textContent = "";
    panel.scrollTop = 0;
    const close = add(panel, "button", { class: "close", type: "button", text: "×" });
    close.setAttribute("aria-label", "Close");
    close.onclick = () => view.close();
    panel.classList.add("about");
    if (block) this.#explainBlock(Number(block[1]));
    else if (node) this.#explainNode({ ...node, ghost: isGhost });
  }

  /** @param {string} id @returns {Node | undefined} */
  #nodeOf(id) {
    const { nodes, missing } = this.view.drawn;
    return [...nodes, ...missing].find((node) => node.id === id);
  }

  /** @param {Node} node */
  #explainNode(node) {
    const { panel } = this;
    const { drawn } = this.view;
    const { name, concept, formula } = wordsOf(node, drawn);
    const block = blockOf(node.id);
    const tip = this.concepts[concept]?.tip;
    add(panel, "h3", { text: name });
    const path = block === null ? node.id : `block ${block} · ${node.id}`;
    add(panel, "p", { class: "id mono", text: path });
    if (node.ghost) add(panel, "p", { class: "off", text: OFF });
    if (tip) add(panel, "p", { text: tip });
    if (formula) add(panel, "p", { class: "formula mono", text: formula });
    this.#figures(node);
    this.#statements(node.lines, "The lines that do it");
    this.#statements(node.open_lines, "The same, written out for looking inside");
    this.#more(concept);
  }

  /** @param {number} block */
  #explainBlock(block) {
    const { panel, view } = this;
    const { operations, parameters, multiply_adds: work } = totalsOf(view.drawn, block);
    add(panel, "h3", { text: `Block ${block}` });
    add(panel, "p", { class: "id mono", text: `h.${block}` });
    const text = view.folded.has(block)
      ? "Folded: press it again to see inside."
      : "Unfolded: press its head to fold it.";
    add(panel, "p", { class: "subdued", text });
    const table = add(panel, "dl", { class: "figures" });
    pair(table, "Operations", String(operations));
    pair(table, "Parameters", whole(parameters));
    pair(table, "Multiply-adds", whole(work));
    this.#health(table, (part) => blockOf(`${part}.`) === block);
    this.#more("n_layers");
  }

  /** @param {Node} node */
  #figures(node) {
    const { drawn } = this.view;
    const table = add(this.panel, "dl", { class: "figures" });
    const shaped = (/** @type {number[]} */ shape, /** @type {Node} */ maker) => {
      const named = inLetters(shape, maker, drawn);
      const sizes = shape.join(" × ");
      return named === sizes ? sizes : `${named} = ${sizes}`;
    };
    for (const edge of [...drawn.edges, ...(node.ghost ? drawn.missing_edges : [])]) {
      const maker = edge.target === node.id ? this.#nodeOf(edge.source) : undefined;
      if (!maker) continue;
      const name = wordsOf(maker, drawn).name.toLowerCase();
      pair(table, "Takes", `${name}: ${shaped(edge.shape, maker)}`);
    }
    pair(table, "Gives", shaped(node.shape, node));
    for (const [name, shape] of Object.entries(node.weights)) {
      pair(table, "Weights", `${name}: ${shape.join(" × ")}`);
    }
    const isFixed = node.weights["wpe.weight"] && !node.parameters;
    const tied = node.tied_to ? ` (those of ${node.tied_to}, tied: not counted twice)` : "";
    const note = tied || (isFixed ? " (fixed, not trained)" : "");
    pair(table, "Parameters", whole(node.parameters) + note);
    const work = node.multiply_adds;
    pair(table, "Multiply-adds", work ? `${whole(work)} for the whole batch` : "none");
    this.#health(table, (part, name) => partsFor(node)[name].includes(part));
  }

  /**
   * What the snapshot says.
   *
   * @param {HTMLElement} table
   * @param {(part: string, name: import("./figures.js").Figure) => boolean} isWanted
   */
  #health(table, isWanted) {
    const { snapshot } = this.view.health;
    if (!snapshot || !this.view.showsRunsModel) return;
    for (const [part, figures] of Object.entries(snapshot.statistics)) {
      for (const [key, value] of Object.entries(figures)) {
        const name = /** @type {import("./figures.js").Figure} */ (key);
        if (!FIGURES[name] || value === null || !isWanted(part, name)) continue;
        const at = `${toldOf(value)} in ${part}, step ${whole(snapshot.step)}`;
        pair(table, FIGURES[name].label, at);
      }
    }
  }

  /** @param {number[]} lines @param {string} title */
  #statements(lines, title) {
    const { source, file } = this.view.drawn;
    const found = lines.flatMap((line) => source.find((one) => one.line === line) || []);
    const firsts = new Set(found.map(({ first }) => first));
    if (!found.length) return;
    add(this.panel, "h4", { text: title });
    for (const first of firsts) {
      const figure = add(this.panel, "figure");
      add(figure, "figcaption", { class: "mono", text: `${file}, line ${first}` });
      const text = found.find((one) => one.first === first)?.code;
      add(add(figure, "pre"), "code", { text }).dataset.line = String(first);
    }
  }

  /** @param {string} id of a concept */
  #more(id) {
    for (const one of [id, "multiply_adds"]) {
      const concept = this.concepts[one];
      if (!concept) continue;
      const fold = add(this.panel, "details");
      fold.open = one === id;
      add(fold, "summary", { text: concept.title });
      for (const text of concept.body.split("\n\n")) addParagraph(fold, text);
    }
  }
}

/** @param {HTMLElement} table @param {string} name @param {string} text */
function pair(table, name, text) {
  add(table, "dt", { text: name });
  add(table, "dd", { text });
}

/**
 * What stands between backticks is code, the rest is text.
 *
 * @param {HTMLElement} parent
 * @param {string} text
 */
function addParagraph(parent, text) {
  const paragraph = add(parent, "p");
  text.split("`").forEach((piece, i) => {
    if (i % 2) add(paragraph, "code", { text: piece });
    else paragraph.append(piece);
  });
}
