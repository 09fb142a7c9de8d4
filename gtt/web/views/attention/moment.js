/** The chosen head's attention at one step of the training, and what is different from another. */
import { differenceOf, mapFrom, movedOf, rangeOf, valueAt } from "../../lib/attention_map.js";
import { probability, whole } from "../../lib/format.js";
import { aroundZero, drawLegend, rampOf, SHADINGS } from "./colours.js";
import { MapView } from "./map_view.js";
import { nameOf, pairSaid, share } from "./words.js";

/** @typedef {import("./words.js").Schema["SnapshotInfo"]} Snapshot */

export const TOKENS = 32; // that are asked for at most
const UNREADABLE = "The snapshot of this step cannot be read now.";

export class Moment {
  /** @type {Map<number, Snapshot>} */
  #known = new Map();
  #isAsking = false;
  #at = 0;
  /** The step that others are compared with. @type {number | null} */
  #pinned = null;

  /** @param {import("./view.js").AttentionView} view */
  constructor(view) {
    const { part } = view;
    this.view = view;
    this.map = new MapView(part("moment-map"), {
      named: "Attention of the chosen head at a step of the training",
      moved: () => this.#tell(),
      largest: 22,
    });
    this.difference = new MapView(part("changed-map"), {
      named: "Difference between two steps",
      moved: (q, k) => {
        this.map.cross = { q, k };
        this.map.draw();
        this.#tell();
      },
      largest: 22,
    });
  }

  /** @param {number} tokens */
  reserve(tokens) {
    this.map.reserve(Math.min(tokens, TOKENS));
  }

  forget() {
    this.#known = new Map();
    this.#pinned = null;
  }

  /** Compares others with this step, or with none any more. @param {number} step */
  pin(step) {
    this.#pinned = this.#pinned === null ? step : null;
  }

  /** @param {number} step */
  show(step) {
    this.#at = step;
    const snapshot = this.#known.get(step);
    if (snapshot) this.#draw(snapshot);
    else this.#fetch();
  }

  /** One request at a time; whoever drags on meanwhile gets the place where they are by then. */
  async #fetch() {
    const { picker, ask } = this.view;
    if (this.#isAsking) return;
    this.#isAsking = true;
    const run = picker.run;
    const step = this.#at;
    const values = { run_id: run ?? "", step, tokens: TOKENS };
    const answer = await ask("snapshot", values, { quiet: true, asker: "moment" });
    this.#isAsking = false;
    if (picker.run !== run) return;
    if (!answer) return this.#lack(); // asked again with the next move
    this.#known.set(step, answer);
    this.show(this.#at);
  }

  #lack() {
    this.view.part("moment-map").hidden = true;
    this.view.part("moment-read").textContent = UNREADABLE;
  }

  /** The chosen head's map. @param {Snapshot | undefined} snapshot */
  #mapIn(snapshot) {
    const { layer, head } = this.view.chosen;
    const rows = snapshot?.weights[layer]?.[head];
    return rows ? mapFrom(rows) : null;
  }

  /** @param {Snapshot} snapshot */
  #draw(snapshot) {
    const map = this.#mapIn(snapshot);
    if (!map) return this.#lack();
    this.view.part("moment-map").hidden = false;
    this.map.show(map, snapshot.tokens, { ramp: rampOf("weights"), scale: SHADINGS.root });
    this.#tell();
    this.#drawDifference(map, snapshot.tokens);
  }

  /**
   * What is different from the step that was pinned, on the same text.
   *
   * @param {import("../../lib/attention_map.js").AttentionMap} map
   * @param {string[]} tokens
   */
  #drawDifference(map, tokens) {
    const { part } = this.view;
    const pinned = this.#pinned;
    const before = pinned === null ? null : this.#mapIn(this.#known.get(pinned));
    part("pin").textContent =
      pinned === null
        ? "Compare other steps with this one"
        : `Compare no longer with step ${whole(pinned)}`;
    part("changed").hidden = !before || pinned === this.#at;
    if (!before || pinned === this.#at) return;
    const change = differenceOf(before, map);
    const { scale, marks } = aroundZero(rangeOf(change));
    const ramp = rampOf("difference");
    part("changed-told").textContent = [
      `Step ${whole(this.#at)} less step ${whole(pinned)}: ${probability(movedOf(change))} of a`,
      "token's attention goes elsewhere. Orange is more, blue is less.",
    ].join(" ");
    this.difference.show(change, tokens, { ramp, scale });
    drawLegend(part("changed-bar"), part("changed-ticks"), ramp, scale, marks);
  }

  #tell() {
    const { part, chosen } = this.view;
    const { cross, map } = this.map;
    const snapshot = this.#known.get(this.#at);
    const step = `step ${whole(this.#at)}`;
    let told = `Head ${nameOf(chosen.layer, chosen.head)} at ${step}`;
    if (cross && map && snapshot) {
      const { q, k } = cross;
      const pair = () => pairSaid(snapshot.tokens, q, k, share(valueAt(map, q, k)));
      told = k > q ? "Nobody may look ahead." : `S${step.slice(1)}: ${pair()}`;
    }
    part("moment-read").textContent = told;
  }
}
