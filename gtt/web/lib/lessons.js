/**
 * The lesson that is taken: read once, told to the Learn tab and to the strip beside the others.
 *
 * @typedef {import("../types/ask").Schema} Schema
 * @typedef {Schema["LessonResponse"]} Lesson
 * @typedef {Schema["LessonStep"]} Step
 */
import { ask } from "./api.js";
import { say } from "./page.js";
import { Signal } from "./signal.js";
import { key, lookAt } from "./store.js";

/** The lesson as it stands, null while none is taken. */
export const lesson = new Signal(/** @type {Lesson | null} */ (null));

/** Every lesson, and which one the desk has open. */
export const list = new Signal(/** @type {Schema["Lessons"] | null} */ (null));

/** The step that is open. @param {Lesson} of */
export const openStep = (of) => of.steps[of.steps.length - 1];

/** @template {{ error?: { message: string } }} A @param {A} answer @returns {answer is A & { error?: undefined }} */
function isGood(answer) {
  if (answer.error) say(answer.error.message);
  return !answer.error;
}

/**
 * Reads the lessons once the desk is known, and those of another desk anew.
 *
 * @param {Element} element that is on the page for as long as it is
 */
export function followLessons(element) {
  key.follow(element, () => {
    lesson.set(null);
    readLessons();
  });
  if (key.value) readLessons();
}

/** Reads the list of lessons; the one that is open is taken up again. */
async function readLessons() {
  const answer = await ask("lessons", {});
  if (answer.error) return;
  list.set(answer);
  if (answer.taken && !lesson.value) await take(answer.taken);
}

/** Opens a lesson where it was left. @param {string} name */
export async function take(name) {
  const answer = await ask("lesson", { lesson: name });
  if (isGood(answer)) lesson.set(answer);
}

/** Reads anew how the lesson stands; a server that is busy is asked again later. */
export async function renew() {
  const name = lesson.value?.lesson.name;
  if (!name) return;
  const answer = await ask("lesson", { lesson: name });
  if (!answer.error && lesson.value?.lesson.name === name) lesson.set(answer);
}

/** Closes the lesson; how far one got stays. */
export async function leave() {
  lesson.set(null);
  await readList();
}

async function readList() {
  const answer = await ask("lessons", {});
  if (!answer.error) list.set(answer);
}

/** @param {string} step @param {number | number[]} value */
export async function predict(step, value) {
  const name = lesson.value?.lesson.name || "";
  const answer = await ask("answer_lesson", { lesson: name, step, answer: value });
  if (isGood(answer)) lesson.set(answer);
}

/** Starts the run of a step; the page looks at it. @param {string} step */
export async function startRun(step) {
  const name = lesson.value?.lesson.name || "";
  const answer = await ask("start_lesson_run", { lesson: name, step });
  if (!isGood(answer)) return;
  lesson.set(answer);
  const started = answer.steps.find(({ id }) => id === step)?.start?.run;
  const run = answer.runs.find((one) => one.name === started);
  if (run) lookAt(run.run_id);
}

/** @param {string} step */
export async function goOn(step) {
  const name = lesson.value?.lesson.name || "";
  const answer = await ask("advance_lesson", { lesson: name, step });
  if (isGood(answer)) lesson.set(answer);
}

/** Takes a lesson again from its beginning. @param {string} name */
export async function beginAgain(name) {
  const answer = await ask("forget_lesson", { lesson: name });
  if (isGood(answer)) await take(name);
}
