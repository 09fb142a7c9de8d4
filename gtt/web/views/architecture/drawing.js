/** The drawing: boxes, arrows with their shapes, frames of unfolded blocks, the tie. One SVG. */
import { d3 } from "../../lib/d3.js";
import { PLUS } from "./layout.js";
import { costsSaid, wordsOf } from "./parts.js";
import { partSaid, titleOf } from "./said.js";

/**
 * @typedef {import("./view.js").ArchitectureView} View
 * @typedef {ReturnType<typeof import("./layout.js").layOut>} Layout
 * @typedef {import("./graph.js").Box} Box
 * @typedef {import("d3").Selection<SVGGElement, any, any, any>} Layer
 */

const LAYERS = /** @type {const} */ (["frames", "ties", "wires", "boxes", "labels"]);
/** @type {Record<string, string>} Names where there is no room for the whole one */
const SHORT = { "Causal mask": "Mask", "Positions: fixed waves": "Fixed waves" };
const BESIDE = 120; // pixels of a block's head that its name takes

export class Drawing {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    this.svg = d3.select(/** @type {SVGSVGElement} */ (view.part("drawing")));
    const marks = this.svg.append("defs");
    for (const kind of ["flow", "trunk", "ghost"]) {
      const size = kind === "trunk" ? 14 : 9;
      marks
        .append("marker")
        .attr("id", `gtt-tip-${kind}`)
        .attr("class", `tip-${kind}`)
        .attr("markerUnits", "userSpaceOnUse")
        .attr("markerWidth", size)
        .attr("markerHeight", size)
        .attr("viewBox", "0 0 8 8")
        .attr("refX", 5)
        .attr("refY", 4)
        .attr("orient", "auto")
        .append("path")
        .attr("d", "M0,0L8,4L0,8z");
    }
    const layers = LAYERS.map((name) => [name, this.svg.append("g").attr("class", name)]);
    this.layers = /** @type {Record<typeof LAYERS[number], Layer>} */ (Object.fromEntries(layers));
  }

  /** All parts, those of blocks included. @returns {Layer} */
  get parts() {
    return /** @type {any} */ (this.svg.selectAll("g.part"));
  }

  /** @returns {Layer} */
  get boxes() {
    return /** @type {any} */ (this.layers.boxes.selectAll("g.part"));
  }

  /** @param {Layout} laid @param {boolean} isNarrow */
  draw(laid, isNarrow) {
    this.svg.attr("viewBox", `0 0 ${laid.width} ${laid.height}`).classed("narrow", isNarrow);
    this.#drawFrames(laid);
    this.#drawTie(laid);
    this.drawWires(laid);
    this.#drawBoxes(laid);
  }

  /** @param {Layout} laid */
  #drawFrames(laid) {
    const frames = this.layers.frames
      .selectAll("g.frame")
      .data(laid.frames, idOf)
      .join((enter) => {
        const frame = enter.append("g").attr("class", "frame");
        frame.append("rect").attr("class", "edge").attr("rx", 10);
        const head = frame.append("g").attr("class", "part head");
        head.attr("role", "button").attr("aria-expanded", "true");
        head.append("rect").attr("rx", 6).attr("class", "box");
        head.append("text").attr("class", "name");
        head.append("text").attr("class", "cost");
        head.append("title");
        return frame;
      });
    frames
      .select("rect.edge")
      .attr("x", (frame) => frame.x)
      .attr("y", (frame) => frame.y)
      .attr("width", (frame) => frame.w)
      .attr("height", (frame) => frame.h);
    const heads = frames.select("g.head");
    this.view.behave(/** @type {any} */ (heads));
    heads
      .select("rect")
      .attr("x", (frame) => frame.x + 5)
      .attr("y", (frame) => frame.y + 5)
      .attr("width", (frame) => frame.w - 10)
      .attr("height", 22);
    heads
      .select(".name")
      .attr("x", laid.trunk + 12)
      .attr("y", (frame) => frame.y + 20)
      .text((frame) => `▾ Block ${frame.block}`);
    heads
      .select(".cost")
      .attr("x", (frame) => frame.x + frame.w - 14)
      .attr("y", (frame) => frame.y + 20)
      .attr("text-anchor", "end")
      .text((frame) => costsSaid(frame.parameters, frame.multiply_adds, frame.w - BESIDE));
    heads.select("title").text((frame) => titleOf(/** @type {any} */ (frame), this.view.drawn));
  }

  /** @param {Layout} laid */
  #drawTie(laid) {
    const ties = this.layers.ties
      .selectAll("g")
      .data(laid.tie, idOf)
      .join((enter) => {
        const tie = enter.append("g").attr("class", "tie");
        tie.append("path");
        tie.append("text");
        return tie;
      });
    ties.select("path").attr("d", (tie) => tie.path);
    ties
      .select("text")
      .attr("x", (tie) => tie.x)
      .attr("y", (tie) => tie.y)
      .text("tied: the same weights");
  }

  /** @param {Layout} laid */
  drawWires(laid) {
    const { changed, part } = this.view;
    // The trunk is drawn first, so that what reads from it lies on top.
    const first = (/** @type {{ kind: string }} */ wire) => Number(wire.kind === "trunk");
    const wires = [...laid.wires].sort((a, b) => first(b) - first(a));
    this.layers.wires
      .selectAll("path")
      .data(wires, idOf)
      .join("path")
      .order()
      .attr("class", (wire) => `wire ${wire.ghost ? "ghost" : wire.kind}`)
      .attr("d", (wire) => wire.path)
      .attr(
        "marker-end",
        ({ ghost, kind }) =>
          `url(#gtt-tip-${ghost ? "ghost" : kind === "trunk" ? "trunk" : "flow"})`,
      );
    const as = /** @type {"letters" | "numbers"} */ (part("shapes").value);
    this.layers.labels
      .selectAll("text")
      .data(
        laid.wires.filter((wire) => !wire.ghost),
        idOf,
      )
      .join("text")
      .attr("class", (wire) => `shape${changed.shapes.has(wire.id) ? " changed" : ""}`)
      .attr("text-anchor", (wire) => wire.anchor)
      .attr("x", (wire) => wire.x)
      .attr("y", (wire) => wire.y)
      .text((wire) => wire[as]);
  }

  /** @param {Layout} laid */
  #drawBoxes(laid) {
    const { changed, drawn } = this.view;
    const boxes = this.layers.boxes
      .selectAll("g.part")
      .data(laid.boxes, idOf)
      .join((enter) => {
        const box = enter.append("g").attr("role", "button");
        box.append("rect").attr("class", "box");
        box.append("text").attr("class", "name").attr("text-anchor", "middle");
        box.append("text").attr("class", "cost").attr("text-anchor", "middle");
        box.append("g").attr("class", "swatches");
        box.append("title");
        return box;
      });
    boxes.attr("class", (box) => {
      const marks = [box.ghost && "ghost", changed.nodes.has(box.id) && "changed"];
      return ["part", box.operation, ...marks, box.round && "round"].filter(Boolean).join(" ");
    });
    this.view.behave(/** @type {any} */ (boxes));
    boxes.attr("aria-expanded", (box) => (isBlock(box) ? "false" : null));
    boxes
      .select("rect")
      .attr("x", (box) => box.x)
      .attr("y", (box) => box.y)
      .attr("width", (box) => box.w)
      .attr("height", (box) => box.h)
      .attr("rx", (box) => (box.round ? PLUS : 7));
    boxes
      .select(".name")
      .attr("x", (box) => (isBlock(box) ? laid.trunk + 12 : box.x + box.w / 2))
      .attr("text-anchor", (box) => (isBlock(box) ? "start" : "middle"));
    boxes.select("title").text((box) => titleOf(box, drawn));
  }

  /**
   * What stands in the boxes; the second line is what a part holds and costs, or its figure.
   *
   * @param {(box: Box) => string | null} figureFor null where a block shows figures of its parts
   */
  write(figureFor) {
    const beside = (/** @type {Box} */ box) => (box.ghost ? "switched off" : figureFor(box) || "");
    const below = (/** @type {Box} */ box) => {
      if (box.ghost) return "switched off";
      if (box.round || isBlock(box)) return "";
      const holds = box.tied_to ? 0 : box.parameters;
      return figureFor(box) || costsSaid(holds, box.multiply_adds, box.w - 8);
    };
    this.boxes
      .select(".name")
      .text((box) => this.#nameIn(box))
      .attr("y", (box) => box.y + (box.round ? PLUS + 5.5 : below(box) ? 17 : box.h / 2 + 4.5));
    this.boxes
      .select(".cost")
      .attr("x", (box) => (box.round ? box.x + box.w + 9 : box.x + box.w / 2))
      .attr("y", (box) => box.y + (box.round ? box.h : 32))
      .attr("text-anchor", (box) => (box.round ? "start" : "middle"))
      .text((box) => (box.round ? beside(box) : below(box)));
    this.boxes
      .filter(isBlock)
      .select(".cost")
      .attr("x", (box) => box.x + box.w - 14)
      .attr("y", (box) => box.y + box.h / 2 + 4)
      .attr("text-anchor", "end")
      .text((box) =>
        figureFor(box) === null ? "" : costsSaid(box.parameters, box.multiply_adds, box.w - BESIDE),
      );
  }

  /** A name as long as its box is wide. @param {Box} box */
  #nameIn(box) {
    if (box.round) return "+";
    if (isBlock(box)) return `▸ Block ${box.block}`;
    const { name } = wordsOf(box, this.view.drawn);
    return name.length * 7.4 > box.w && SHORT[name] ? SHORT[name] : name;
  }

  /**
   * A part is called by what stands in it, and then by what it does. The blanks part its lines for
   * those who hear them.
   */
  nameParts() {
    const { drawn, changed } = this.view;
    this.parts.each(function called(box) {
      const lines = [...this.querySelectorAll("text")];
      for (const line of lines) {
        if (line.nextSibling?.nodeType !== Node.TEXT_NODE) line.after(" ");
      }
      const seen = lines
        .map((line) => line.textContent)
        .filter(Boolean)
        .join(" ");
      const isOpen = this.classList.contains("head");
      const said = partSaid(box, drawn, isOpen, changed.nodes.has(box.id));
      this.setAttribute("aria-label", `${seen}: ${said}`);
    });
  }

  /** @param {string} id */
  focus(id) {
    this.parts
      .filter((box) => box.id === id)
      .node()
      ?.focus();
  }

  get hasFocus() {
    return this.svg.node()?.contains(document.activeElement) || false;
  }
}

/** @param {any} one @returns {string} */
const idOf = (one) => one.id;

/** @param {{ operation: string }} box */
export const isBlock = (box) => box.operation === "block";
