/**
 * How the chosen head came to be: its habits over the steps of the training, and its attention at
 * one of them. Follows a run that goes on.
 */
import { upTo } from "../../lib/curves.js";
import { d3 } from "../../lib/d3.js";
import { whole } from "../../lib/format.js";
import { moment } from "../../lib/store.js";
import { isDark } from "./colours.js";
import { Moment } from "./moment.js";
import { habitBar, nameOf, share } from "./words.js";

/**
 * @typedef {import("./words.js").Habit} Habit
 * @typedef {import("./words.js").Schema["HeadsOverTime"]["steps"]} Steps
 * @typedef {{ name: Habit, dash: string, colour: string, points: [number, number][] }} Line
 */

/** @type {[Habit, string, string, string][]} habit, its colour in the light and the dark, dashes */
const LINES = [
  ["previous_token", "#0b5a94", "#6cb8f0", ""],
  ["first_token", "#c44900", "#ffa05c", "6 3"],
  ["current_token", "#1a7f4b", "#58c98b", "2 3"],
  ["same_token", "#7a3e9d", "#cf9bf0", "8 3 2 3"],
  ["induction", "#a3194b", "#ff85ad", ""],
];
const HIGH = 230;
const EDGE = { top: 12, right: 14, bottom: 26, left: 34 };
const NEWEST = 1e8; // beyond every step
const ROUGH = "Measured on one short text, so rougher than on the card.";

export class History {
  /** @type {Steps | null} */
  #past = null;
  /** @type {string | null} */
  #of = null; // the run
  #snapshots = 0; // how many were known
  /** @type {number | null} */
  #at = null;
  #isAnswered = false; // of this run
  #isFollowing = true;

  /** @param {import("./view.js").AttentionView} view */
  constructor(view) {
    const { part, element } = view;
    this.view = view;
    this.moment = new Moment(view);
    part("pin").onclick = () => {
      if (this.#at === null) return;
      this.moment.pin(this.#at);
      this.draw();
    };
    new ResizeObserver(() => {
      if (part("history").clientWidth) this.draw();
    }).observe(part("time"));
    part("step").oninput = () => {
      const one = this.#past?.[Number(part("step").value)];
      if (one) this.#goTo(one.step);
    };
    moment.follow(element, (told) => {
      if (!told || told.run !== view.picker.run) return;
      if (told.newest && !this.#isFollowing) return; // whoever chose a step stays there
      this.#goTo(told.step);
      this.#isFollowing ||= told.newest;
    });
  }

  /** The room of what is to come, of so many tokens. @param {number} tokens */
  reserve(tokens) {
    const { part } = this.view;
    if (this.#isAnswered) return;
    part("time").hidden = false;
    part("time").classList.add("waits");
    part("history").setAttribute("viewBox", `0 0 ${this.#width} ${HIGH}`);
    this.#nameLines(this.#lines([]));
    this.moment.reserve(tokens);
  }

  /** @param {string} run */
  async load(run) {
    const { part, picker, ask } = this.view;
    if (this.#of !== run) {
      this.#past = null;
      this.#isAnswered = false;
      this.#of = run;
      this.#snapshots = 0;
      this.#at = null;
      this.#isFollowing = true;
      this.moment.forget();
      part("time").classList.add("waits");
    }
    const answer = await ask("head_history", { run_id: run }, { quiet: true });
    if (picker.run !== run) return;
    this.#isAnswered = Boolean(answer);
    if (!answer?.steps.some((one) => one.heads.some((row) => row.length))) {
      if (!this.#past && !picker.isActive) part("time").hidden = true;
      return;
    }
    this.#past = answer.steps;
    if (this.#at === null || this.#isFollowing)
      this.#at = answer.steps[answer.steps.length - 1].step;
    this.view.arrived("time");
    this.draw();
  }

  /** New snapshots of a run that goes on. @param {string} run */
  async follow(run) {
    const { picker, ask } = this.view;
    const values = { run_id: run, step: NEWEST, tokens: 1 };
    const answer = await ask("snapshot", values, { quiet: true, asker: "newest" });
    if (!answer || picker.run !== run || answer.steps.length === this.#snapshots) return;
    this.#snapshots = answer.steps.length;
    await this.load(run);
  }

  /** @param {number} step */
  #goTo(step) {
    if (!this.#past) return;
    const steps = this.#past.map((one) => one.step);
    this.#at = steps.findLast((one) => one <= step) ?? steps[0];
    this.#isFollowing = this.#at === steps[steps.length - 1];
    this.draw();
  }

  get #width() {
    return Math.max(260, this.view.part("history").clientWidth || 600);
  }

  /** What is drawn of the chosen head. @param {Steps} past @returns {Line[]} */
  #lines(past) {
    const { layer, head } = this.view.chosen;
    return LINES.map(([name, light, dark, dash]) => ({
      name,
      dash,
      colour: isDark() ? dark : light,
      points: past.flatMap(({ step, heads }) => {
        const value = heads[layer]?.[head]?.[name] ?? null;
        return value === null ? [] : [/** @type {[number, number]} */ ([step, value])];
      }),
    }));
  }

  draw() {
    const past = this.#past;
    if (!past || this.#at === null) return;
    const { part, chosen } = this.view;
    const at = Math.max(
      0,
      past.findIndex((one) => one.step === this.#at),
    );
    const lines = this.#lines(past).filter((line) => line.points.length);
    const slider = part("step");
    slider.max = past.length - 1;
    slider.value = at;
    slider.setAttribute("aria-valuetext", `step ${past[at].step}`);
    part("step-told").textContent = whole(past[at].step);
    this.#drawLines(
      lines,
      past.map((one) => one.step),
      this.#at,
    );
    this.#nameLines(lines);
    const now = past[at].heads[chosen.layer]?.[chosen.head];
    const name = nameOf(chosen.layer, chosen.head);
    const said = lines
      .map((line) => `${habitBar(line.name)} ${share(now?.[line.name])}`)
      .join(", ");
    const told = now ? `Step ${whole(past[at].step)}, head ${name}: ${said}. ${ROUGH}` : "";
    part("history-told").textContent = told;
    const label = `Habits of head ${name} over the steps of the training. ${told}`;
    part("history").setAttribute("aria-label", label);
    this.moment.show(this.#at);
  }

  /** @param {Line[]} lines @param {number[]} steps @param {number} at */
  #drawLines(lines, steps, at) {
    const wide = this.#width;
    const svg = d3.select(this.view.part("history"));
    svg.attr("viewBox", `0 0 ${wide} ${HIGH}`);
    // A place for each snapshot: they lie close where a model learns fast, and the slider goes
    // from one to the next.
    const across = /** @type {[number, number]} */ ([EDGE.left, wide - EDGE.right]);
    const places = /** @type {import("d3").ScalePoint<number>} */ (d3.scalePoint());
    places.align(0).domain(steps).range(across);
    const x = (/** @type {number} */ step) => places(step) ?? 0;
    const height = d3.scaleLinear().range([HIGH - EDGE.bottom, EDGE.top]);
    const y = (/** @type {number} */ value) => height(value) ?? 0;
    const every = Math.max(1, Math.ceil(steps.length / Math.max(3, Math.floor(wide / 70))));
    const marked = steps.filter((_, i) => (steps.length - 1 - i) % every === 0);
    if (svg.select(".axis-x").empty()) {
      for (const name of ["axis-x", "axis-y", "now", "lines", "dots"]) {
        svg.append("g").attr("class", name);
      }
    }
    svg
      .select(".axis-x")
      .attr("transform", `translate(0,${HIGH - EDGE.bottom})`)
      .call(/** @type {any} */ (d3.axisBottom(places).tickValues(marked).tickFormat(whole)));
    svg
      .select(".axis-y")
      .attr("transform", `translate(${EDGE.left},0)`)
      .call(/** @type {any} */ (d3.axisLeft(height).ticks(5)));
    svg
      .select(".now")
      .selectAll("line")
      .data([at])
      .join("line")
      .attr("x1", x)
      .attr("x2", x)
      .attr("y1", y(1))
      .attr("y2", y(0));
    const draw = d3
      .line()
      .x((point) => x(point[0]))
      .y((point) => y(point[1]));
    svg
      .select(".lines")
      .selectAll("path")
      .data(lines, nameOfLine)
      .join("path")
      .attr("fill", "none")
      .attr("stroke-width", 2.2)
      .attr("stroke", (line) => line.colour)
      .attr("stroke-dasharray", (line) => line.dash)
      .attr("d", (line) => draw(line.points));
    const dots = lines.flatMap(({ name, colour, points }) => {
      const point = upTo(points, at);
      return point ? [{ name, colour, point }] : [];
    });
    svg
      .select(".dots")
      .selectAll("circle")
      .data(dots, nameOfLine)
      .join("circle")
      .attr("r", 4.5)
      .attr("fill", (dot) => dot.colour)
      .attr("cx", (dot) => x(dot.point[0]))
      .attr("cy", (dot) => y(dot.point[1]));
  }

  /** @param {Line[]} lines */
  #nameLines(lines) {
    const names = d3
      .select(this.view.part("history-names"))
      .selectAll("span")
      .data(lines, nameOfLine)
      .join((enter) => {
        const one = enter.append("span");
        const sample = one.append("svg").attr("viewBox", "0 0 26 6").append("line");
        sample.attr("x2", 26).attr("y1", 3).attr("y2", 3).attr("stroke-width", 2.2);
        one.append("b");
        return one;
      });
    names
      .select("line")
      .attr("stroke", (line) => line.colour)
      .attr("stroke-dasharray", (line) => line.dash);
    names.select("b").text((line) => habitBar(line.name));
  }
}

/** @param {any} line @returns {string} */
const nameOfLine = (line) => line.name;
