/** All heads at a glance, as one radio group: arrow keys move, the chosen one is shown large. */
import { mapOf } from "../../lib/attention_map.js";
import { add } from "../../lib/dom.js";
import { penOf, pictureOf, rampOf, SHADINGS } from "./colours.js";
import { headFigures, nameOf } from "./words.js";

/** @typedef {import("./view.js").AttentionView} AttentionView */

const THUMBNAIL = 96; // points of a side at most
/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export class Grid {
  /** @type {(ReturnType<Grid["make"]>)[]} */
  #cells = [];
  #built = "";

  /** @param {AttentionView} view */
  constructor(view) {
    this.view = view;
  }

  /** @param {number} layers @param {number} heads in each layer */
  build(layers, heads) {
    const grid = /** @type {HTMLElement} */ (this.view.part("grid"));
    if (this.#built === `${layers} ${heads}`) return;
    this.#built = `${layers} ${heads}`;
    grid.classList.toggle("many", heads > 4);
    grid.style.gridTemplateColumns = `auto repeat(${heads}, minmax(3.6rem, 9.5rem))`;
    this.#cells = [];
    this.#hideTip();
    grid.replaceChildren();
    for (let layer = 0; layer < layers; layer += 1) {
      add(grid, "span", { class: "row-name", text: `layer ${layer}` });
      for (let head = 0; head < heads; head += 1) this.#cells.push(this.make(grid, layer, head));
    }
  }

  /** @param {HTMLElement} grid @param {number} layer @param {number} head */
  make(grid, layer, head) {
    const button = add(grid, "button", { type: "button" });
    button.setAttribute("role", "radio");
    button.dataset.head = nameOf(layer, head);
    const canvas = add(button, "canvas");
    add(button, "b", { text: nameOf(layer, head) });
    button.append(" ");
    const brief = add(button, "span");
    button.onclick = () => this.view.choose(layer, head);
    button.onkeydown = (event) => this.#move(event, layer, head);
    button.onpointermove = (event) => this.#showTip(event, layer, head);
    button.onpointerleave = () => this.#hideTip();
    return { layer, head, button, canvas, brief };
  }

  /** @param {KeyboardEvent} event @param {number} layer @param {number} head */
  #move(event, layer, head) {
    const { seen } = this.view;
    if (!seen) return;
    const heads = seen.heads.length;
    const ends = { Home: [0, -head], End: [0, heads - 1 - head] };
    const step = STEPS[event.key] || ends[/** @type {keyof typeof ends} */ (event.key)];
    if (!step) return;
    event.preventDefault();
    const to = [layer + step[0], head + step[1]];
    if (to[0] < 0 || to[0] >= seen.layers.length || to[1] < 0 || to[1] >= heads) return;
    this.view.choose(to[0], to[1]);
    this.#cells[to[0] * heads + to[1]].button.focus();
  }

  /** @param {import("./view.js").Seen} seen */
  paint(seen) {
    const ramp = rampOf("weights");
    const by = Math.ceil(seen.n / THUMBNAIL);
    for (const { layer, head, canvas } of this.#cells) {
      const picture = pictureOf(mapOf(seen, layer, head), SHADINGS.root, ramp, by);
      canvas.width = picture.width;
      canvas.height = picture.height;
      penOf(canvas).drawImage(picture, 0, 0);
    }
  }

  /** Which is chosen, which is off, and what each is called. */
  mark() {
    const { view } = this;
    for (const { layer, head, button, brief } of this.#cells) {
      const isChosen = layer === view.chosen.layer && head === view.chosen.head;
      const isOff = view.off.has(nameOf(layer, head));
      const habits = view.habitsAt(layer, head);
      brief.textContent = isOff ? "switched off" : view.brief(layer, head);
      button.classList.toggle("clear", view.isClear(layer, head));
      button.classList.toggle("is-off", isOff);
      button.setAttribute("aria-checked", String(isChosen));
      button.tabIndex = isChosen ? 0 : -1;
      const about = brief.textContent ? `: ${brief.textContent}` : "";
      const figures = habits ? `. ${headFigures(habits)}` : "";
      button.setAttribute("aria-label", `Head ${nameOf(layer, head)}${about}${figures}`);
    }
  }

  /** Beside the pointer. @param {PointerEvent} event @param {number} layer @param {number} head */
  #showTip(event, layer, head) {
    const { view } = this;
    const habits = view.habitsAt(layer, head);
    const tip = /** @type {HTMLElement} */ (view.part("tip"));
    if (!habits) return;
    tip.textContent = `${nameOf(layer, head)} ${view.brief(layer, head)}: ${headFigures(habits)}`;
    const all = view.part("whole").getBoundingClientRect();
    const left = Math.max(0, Math.min(all.width - 250, event.clientX - all.left - 10));
    tip.style.left = `${left}px`;
    tip.style.top = `${event.clientY - all.top + 18}px`;
    tip.style.opacity = "1";
  }

  #hideTip() {
    this.view.part("tip").style.opacity = 0;
  }
}
