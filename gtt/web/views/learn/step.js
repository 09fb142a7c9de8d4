/**
 * One step of a lesson: predict, do, see, explain. Only what changed is drawn anew, so that a form
 * that is being filled in and a text that is being read stay.
 *
 * @typedef {import("../../lib/lessons.js").Lesson} Lesson
 * @typedef {import("../../lib/lessons.js").Step} Step
 */
import { add, tell } from "../../lib/dom.js";
import { goOn, openStep, startRun } from "../../lib/lessons.js";
import { PLACES, point } from "../../lib/places.js";
import { writeProse } from "../../lib/prose.js";
import { drawPrediction } from "./prediction.js";
import { drawShow } from "./shows.js";

const ONCE = 3000; // milliseconds in which a button is taken once

export class StepView {
  /** @type {Record<string, string>} what each section shows, to see whether it changed */
  #shown = {};
  /** @type {Record<string, HTMLElement>} */
  #sections = {};
  /** @type {string | null} the step that is looked at, null for the one that is open */
  #looked = null;
  #lesson = "";
  #step = "";
  #open = "";
  isWaiting = false;

  /** @param {(name: string) => any} part */
  constructor(part) {
    this.part = part;
  }

  /** @param {Lesson} lesson */
  show(lesson) {
    const open = openStep(lesson);
    const isNext = this.#lesson === lesson.lesson.name && this.#open !== open.id;
    if (this.#lesson !== lesson.lesson.name || isNext) this.#looked = null;
    this.#lesson = lesson.lesson.name;
    this.#open = open.id;
    this.isWaiting = lesson.lesson.state !== "done" && open.awaits === "conditions";
    const step = lesson.steps.find(({ id }) => id === this.#looked) || open;
    this.#drawList(lesson, step);
    this.#drawStep(lesson, step);
    if (isNext) this.part("step").querySelector("h3")?.focus();
  }

  /** @param {Lesson} lesson @param {Step} step */
  #drawList(lesson, step) {
    const mark = JSON.stringify([lesson.titles, lesson.steps.length, step.id, lesson.lesson.step]);
    if (this.#shown.list === mark) return;
    this.#shown.list = mark;
    const list = this.part("steps");
    list.replaceChildren();
    lesson.titles.forEach((title, i) => {
      const item = add(list, "li");
      const of = lesson.steps[i];
      const button = add(item, "button", { text: `${i + 1}. ${title}`, type: "button" });
      button.disabled = !of;
      if (i < lesson.lesson.step) item.className = "done";
      if (of?.id === step.id) button.setAttribute("aria-current", "step");
      button.onclick = () => {
        this.#looked = of.id;
        this.show(lesson);
      };
    });
  }

  /** @param {Lesson} lesson @param {Step} step */
  #drawStep(lesson, step) {
    const box = this.part("step");
    if (this.#step !== `${this.#lesson}/${step.id}`) {
      this.#step = `${this.#lesson}/${step.id}`;
      this.#shown = { list: this.#shown.list };
      box.replaceChildren();
      const title = add(box, "h3", { text: step.title });
      title.tabIndex = -1;
      for (const name of ["text", "predict", "do", "until", "show", "explain", "next"]) {
        this.#sections[name] = add(box, "div", { class: name });
      }
      this.#sections.until.setAttribute("role", "status");
    }
    const run = lesson.runs.find(({ name }) => name === step.start?.run);
    this.#draw("text", step.text, (place) => writeProse(place, step.text));
    this.#draw("predict", step.predict, (place) => drawPrediction(place, step));
    this.#draw("do", [step.awaits, step.start, step.point, run?.state], (place) =>
      this.#drawDoing(place, step),
    );
    this.#draw("until", step.awaits === "answer" ? [] : step.until, (place) =>
      this.#drawConditions(place, step),
    );
    this.#draw("show", step.show, (place) => drawShow(place, step.show));
    this.#draw("explain", step.explain, (place) => writeProse(place, step.explain || ""));
    this.#draw("next", [step.awaits, step.id === this.#open, lesson.lesson.state], (place) =>
      this.#drawNext(place, lesson, step),
    );
  }

  /** @param {string} name @param {unknown} value @param {(place: HTMLElement) => void} act */
  #draw(name, value, act) {
    const mark = JSON.stringify(value ?? null);
    if (this.#shown[name] === mark) return;
    this.#shown[name] = mark;
    act(this.#sections[name]);
  }

  /** @param {HTMLElement} place @param {Step} step */
  #drawDoing(place, step) {
    place.replaceChildren();
    const { start } = step;
    if (start?.can_start && step.awaits !== "answer") {
      const button = add(place, "button", { class: "primary", text: start.label, type: "button" });
      button.onclick = () => {
        button.disabled = true; // once is enough
        setTimeout(() => {
          button.disabled = false;
        }, ONCE);
        startRun(step.id);
      };
    }
    if (step.point && PLACES[step.point] && step.awaits !== "answer") {
      const name = step.point;
      const button = add(place, "button", { text: PLACES[name][2], type: "button" });
      button.onclick = () => point(name);
    }
  }

  /** @param {HTMLElement} place @param {Step} step */
  #drawConditions(place, step) {
    const conditions = step.awaits === "answer" ? [] : step.until;
    if (place.childElementCount !== conditions.length) {
      place.replaceChildren();
      for (const _ of conditions) add(place, "p");
    }
    conditions.forEach((condition, i) => {
      const line = place.children[i];
      line.className = condition.met ? "met" : "unmet";
      tell(line, `${condition.met ? "✓" : "…"} ${condition.text}`);
    });
  }

  /** @param {HTMLElement} place @param {Lesson} lesson @param {Step} step */
  #drawNext(place, lesson, step) {
    place.replaceChildren();
    const number = lesson.steps.indexOf(step);
    const isLast = number === lesson.titles.length - 1;
    if (lesson.lesson.state === "done" && isLast) {
      add(place, "p", { class: "finished", text: "You have finished this lesson." });
    } else if (step.id !== this.#open) {
      const text = `Next: ${lesson.titles[number + 1]}`;
      const button = add(place, "button", { class: "primary", text, type: "button" });
      button.onclick = () => {
        this.#looked = lesson.steps[number + 1].id;
        this.show(lesson);
        this.part("step").querySelector("h3")?.focus();
      };
    } else if (step.awaits === null) {
      const text = isLast ? "Finish the lesson" : `Next: ${lesson.titles[number + 1]}`;
      const button = add(place, "button", { class: "primary", text, type: "button" });
      button.onclick = () => {
        button.disabled = true;
        goOn(step.id);
      };
    }
  }
}
