/** The Learn tab: the lessons, and the one that is taken. */
import { add, partsOf, repeat } from "../../lib/dom.js";
import { beginAgain, leave, lesson, list, renew, take } from "../../lib/lessons.js";
import { isActive, run, turn } from "../../lib/store.js";
import { StepView } from "./step.js";
import { showSummary } from "./summary.js";

/** @typedef {import("../../lib/store.js").Schema} Schema */

const WORDS = { new: "Begin", begun: "Go on", done: "Look again" };
const BUSY = 1500; // milliseconds between two looks while a run is at work
const IDLE = 5000;

/** @param {HTMLElement} element */
export function mount(element) {
  const part = partsOf(element);
  const step = new StepView(part);
  let isChosen = false; // by a person just now: the lesson takes the focus then

  /** @param {Schema["Lessons"] | null} answer */
  function showList(answer) {
    part("cards").replaceChildren();
    for (const info of answer?.lessons || []) showCard(info);
  }

  /** @param {Schema["LessonInfo"]} info */
  function showCard(info) {
    const card = add(part("cards"), "article", { class: info.state });
    add(card, "h3", { text: info.title });
    add(card, "p", { text: info.about });
    const done = info.state === "done" ? "done" : `${info.step} of ${info.steps} steps`;
    const far = info.state === "new" ? `${info.steps} steps` : done;
    add(card, "p", { class: "quiet", text: `about ${info.minutes} minutes · ${far}` });
    const button = add(card, "button", { text: WORDS[info.state], type: "button" });
    button.setAttribute("aria-label", `${WORDS[info.state]}: ${info.title}`);
    button.onclick = () => {
      isChosen = true;
      take(info.name);
    };
  }

  /** @param {import("../../lib/lessons.js").Lesson | null} of */
  function showLesson(of) {
    part("choosing").hidden = Boolean(of);
    part("taking").hidden = !of;
    if (!of) return;
    part("title").textContent = of.lesson.title;
    step.show(of);
    if (isChosen) part("title").focus({ preventScroll: true });
    isChosen = false;
  }

  part("leave").onclick = leave;
  part("again").onclick = () => beginAgain(lesson.value?.lesson.name || "");
  part("summarise").onclick = () => showSummary(part("summary"));
  list.follow(element, showList);
  lesson.follow(element, showLesson);
  showList(list.value);
  showLesson(lesson.value);

  const look = repeat(
    element,
    async () => {
      if (!document.hidden && step.isWaiting) await renew();
    },
    () => (isActive(run.value) ? BUSY : IDLE),
  );
  turn.follow(element, () => {
    if (step.isWaiting) look();
  });
}
