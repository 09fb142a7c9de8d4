/**
 * What one view of a run shows, beside what was measured: its unit, its stretch, its moment.
 *
 * @typedef {import("../../lib/units.js").Unit} Unit
 * @typedef {ReturnType<typeof import("../../lib/dom.js").partsOf>} Part
 */
import { run } from "../../lib/store.js";
import { convert, UNITS } from "../../lib/units.js";

export class View {
  /** @type {Unit} */
  unit = "loss";
  log = false;
  logSteps = false;
  smoothing = 0;

  /** @type {[number, number] | null} */
  zoom = null;
  /** @type {number | null} the step that is looked at, null before the first */
  at = null;
  pinned = false; // somebody chose that step
  /** @type {number | null} */
  cursor = null;

  /** Another run: all of it, and its newest step. */
  forget() {
    Object.assign(this, { zoom: null, at: null, pinned: false, cursor: null });
  }

  /** The step that is looked at. */
  get step() {
    return this.at ?? run.value?.step ?? 0;
  }

  /**
   * A loss in the unit that is shown.
   *
   * @param {number | null | undefined} loss
   */
  inUnit(loss) {
    if (loss === null || loss === undefined) return null;
    return convert(this.unit, loss, run.value?.bytes_per_token ?? 1);
  }

  get name() {
    return UNITS[this.unit].name;
  }

  get title() {
    return UNITS[this.unit].title;
  }
}
