/**
 * Which runs are compared, and how each is drawn: it keeps its colour while others come and go.
 *
 * @typedef {import("../../lib/store.js").RunInfo} RunInfo
 */
import { add } from "../../lib/dom.js";
import { size, stateInWords } from "../../lib/format.js";
import { runs } from "../../lib/store.js";
import { DASHES } from "./looks.js";

const MOST = 8;
const DAY = /** @type {const} */ ({
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** What a run is, unless its name says so, and how it stands. @param {RunInfo} run */
function about(run) {
  const what = `${run.text}, ${run.tokenizer}, ${size(run.parameters)}`;
  const best = run.best_validation_loss;
  return [
    run.name.startsWith(what) ? "" : what,
    stateInWords(run.state),
    best === null ? "" : `best ${best.toFixed(3)}`,
    new Date(run.created).toLocaleString([], DAY),
  ]
    .filter(Boolean)
    .join(" · ");
}

export class Choice {
  /** @type {string[]} */
  ids = [];
  /** @type {Record<string, number>} */
  places = {}; // by the id of a run: which colour, dashes and shape it has
  touched = false; // somebody chose by hand

  /**
   * @param {HTMLElement} list
   * @param {() => void} changed
   */
  constructor(list, changed) {
    this.list = list;
    this.changed = changed;
  }

  /** @param {string[]} ids */
  choose(ids) {
    this.ids = ids.slice(0, MOST);
    const kept = Object.entries(this.places).filter(([id]) => this.ids.includes(id));
    this.places = Object.fromEntries(kept);
    for (const id of this.ids) {
      const taken = Object.values(this.places);
      this.places[id] ??= DASHES.findIndex((_, place) => !taken.includes(place));
    }
    this.draw();
    this.changed();
  }

  /** The runs of the desk are other ones now. */
  follow() {
    const there = this.ids.filter((id) => runs.value.some((run) => run.id === id));
    if (there.length !== this.ids.length) this.choose(there);
    else this.draw();
  }

  draw() {
    const { list } = this;
    while (list.children.length > runs.value.length) list.lastElementChild?.remove();
    runs.value.forEach((run, i) => {
      const row = list.children[i] || this.make();
      const box = /** @type {HTMLInputElement} */ (row.querySelector("input"));
      box.value = run.id;
      box.checked = this.ids.includes(run.id);
      box.disabled = !box.checked && this.ids.length >= MOST;
      /** @type {Element} */ (row.querySelector(".name")).textContent = run.name;
      /** @type {Element} */ (row.querySelector(".more")).textContent = about(run);
    });
  }

  make() {
    const row = add(this.list, "li");
    const label = add(row, "label");
    const box = add(label, "input", { type: "checkbox" });
    add(label, "span", { class: "name" });
    add(label, "span", { class: "more" });
    box.onchange = () => {
      this.touched = true;
      const others = this.ids.filter((id) => id !== box.value);
      this.choose(box.checked ? [...others, box.value] : others);
    };
    return row;
  }
}
