/** What was predicted and reached in all lessons, for the learner and for a teacher. */
import { ask } from "../../lib/api.js";
import { add } from "../../lib/dom.js";
import { number, stateInWords, whole } from "../../lib/format.js";
import { say } from "../../lib/page.js";

const MARKS = { right: "right", wrong: "not so", open: "open" };
const EMPTY = "Nothing yet: begin a lesson, and what you predict is listed here.";

/** @param {HTMLElement} place */
export async function showSummary(place) {
  const answer = await ask("lesson_summary", {});
  if (answer.error) return say(answer.error.message);
  place.replaceChildren();
  if (!answer.lessons.length) add(place, "p", { class: "quiet", text: EMPTY });
  for (const { lesson, done_at, begun_at, predictions, runs } of answer.lessons) {
    const right = predictions.filter(({ mark }) => mark === "right").length;
    add(place, "h3", { text: lesson.title });
    const when = (done_at || begun_at).slice(0, 16).replace("T", " ");
    const far = done_at
      ? `done ${when} UTC`
      : `begun ${when} UTC, step ${lesson.step + 1} of ${lesson.steps}`;
    const hits = predictions.length ? ` · ${right} of ${predictions.length} predictions right` : "";
    add(place, "p", { class: "quiet", text: far + hits });
    if (predictions.length) {
      const rows = predictions.map((one) => [
        one.question,
        one.answer,
        one.right || "–",
        MARKS[one.mark],
      ]);
      addTable(place, ["Question", "Guess", "So it is", "Mark"], rows);
    }
    if (runs.length) {
      const rows = runs.map((run) => [
        run.title || `${run.name} (deleted)`,
        run.state ? stateInWords(run.state) : "–",
        run.step === null ? "–" : whole(run.step),
        number(run.validation_loss),
      ]);
      addTable(place, ["Run", "State", "Step", "Validation loss"], rows);
    }
  }
}

/** @param {HTMLElement} place @param {string[]} titles @param {string[][]} rows */
function addTable(place, titles, rows) {
  const scroller = add(place, "div", { class: "scrolls" });
  scroller.tabIndex = 0;
  const table = add(scroller, "table");
  const head = add(add(table, "thead"), "tr");
  for (const title of titles) add(head, "th", { text: title }).scope = "col";
  const body = add(table, "tbody");
  for (const row of rows) {
    const line = add(body, "tr");
    for (const text of row) add(line, "td", { text });
  }
}
