/**
 * The model of the run that is looked at, on its way to the Hugging Face Hub. The push belongs to
 * the server and its disk: this asks how it stands, also after a reload. A token leaves this field
 * for the push alone.
 */
import { ask, pause } from "../../lib/api.js";
import { listen, partsOf, repeat } from "../../lib/dom.js";
import { findRun } from "../../lib/run_id.js";
import { run as looked, turn, wanted } from "../../lib/store.js";
import { ABOUT, arrived, isAtWork, needs, standing } from "./words.js";

/** @typedef {import("./words.js").Push} Push */

const EVERY = 1000; // milliseconds, while it is at work
const FIELDS = ["repo", "token"];

/**
 * @param {HTMLElement} element
 * @param {import("../../types/view").Gradio} gradio a visitor of a Space may `sign_in`
 */
export function mount(element, { props }) {
  const part = partsOf(element);
  let run = /** @type {string | null} */ (null); // whose push this is
  let push = /** @type {Push | null} */ (null);
  let hasLogin = false;
  let isAsking = false;
  let isRefused = false; // the last press, which no older state of a push may cover

  /** @param {string} sentence @param {boolean} [isWrong] */
  function say(sentence, isWrong = false) {
    part("said").textContent = sentence;
    part("said").classList.toggle("wrong", isWrong);
  }

  /** @param {string} message @param {string | null} [field] */
  function refuse(message, field = null) {
    isRefused = true;
    part("done").hidden = true;
    showCode(null);
    say(message, true);
    for (const name of FIELDS) {
      if (name !== field) continue;
      part(name).setAttribute("aria-invalid", "true");
      part(name).focus();
    }
    drawButtons();
  }

  function drawButtons() {
    const atWork = isAtWork(push);
    const again = push && ["broken", "cancelled"].includes(push.stage);
    part("push").disabled = isAsking || atWork;
    part("push").textContent = again ? "Push again" : "Push";
    part("cancel").hidden = !atWork;
    part("cancel").disabled = isAsking || push?.stage === "publishing";
  }

  function show() {
    drawButtons();
    const atWork = isAtWork(push);
    if (isRefused && !atWork) return;
    const share = push?.bytes_total ? Math.min(1, arrived(push) / push.bytes_total) : 0;
    part("track").hidden = !atWork;
    part("bar").style.transform = `scaleX(${share})`;
    part("track").setAttribute("aria-valuenow", Math.round(100 * share));
    const done = push?.stage === "done" ? push : null;
    part("done").hidden = !done;
    if (done?.url && /^https?:/.test(done.url)) {
      part("link").href = done.url;
      part("link").textContent = done.url;
    }
    showCode(done);
    const isWrong = Boolean(push) && !atWork && !done && push?.stage !== "cancelled";
    say(push ? standing(push) : "", isWrong);
  }

  /**
   * The link as a code for cameras. Our server draws it, dark on light.
   *
   * @param {Push | null} done
   */
  function showCode(done) {
    part("code").hidden = !done?.qr;
    part("qr").replaceChildren();
    if (!done?.qr) return;
    const drawn = new DOMParser().parseFromString(done.qr, "text/html").querySelector("svg");
    drawn?.setAttribute("aria-hidden", "true");
    part("qr").setAttribute("aria-label", `QR code of ${done.url}`);
    part("qr").append(drawn);
  }

  function drawNeeds() {
    part("token-row").hidden = Boolean(props.sign_in);
    const about = ABOUT[part("format").value];
    part("about").textContent = `${about} ${needs(props.sign_in, hasLogin)}`;
  }

  async function read() {
    if (isAsking || document.hidden || !run) return;
    const id = run;
    const answer = await ask("push_status", { run_id: id });
    if (id !== run || answer.error) return;
    const isNew = JSON.stringify(answer.push) !== JSON.stringify(push);
    if (isAtWork(push) && answer.push?.stage === "done") part("token").value = ""; // it has served
    push = answer.push;
    hasLogin = answer.has_login;
    if (isNew) show();
    // A field that somebody is in is theirs.
    if (push && !part("repo").value && document.activeElement !== part("repo")) {
      part("repo").value = push.repo;
      part("private").checked = push.private;
      part("format").value = push.format;
    }
    drawNeeds();
  }

  /** Before a press is answered: the run that it is about, null where it cannot be. */
  async function begin() {
    for (const name of FIELDS) part(name).removeAttribute("aria-invalid");
    part("push").disabled = true; // a second press while the page still loads
    const { id, refusal } = await findRun();
    if (!id) refuse(refusal);
    isAsking = id !== null;
    drawButtons();
    return id;
  }

  part("form").onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (part("push").disabled) return;
    const id = await begin();
    if (!id) return;
    run = id;
    isRefused = false;
    say("Starting the push…");
    part("done").hidden = true;
    showCode(null);
    const answer = await ask("push_to_hub", {
      run_id: id,
      repo: part("repo").value,
      format: part("format").value,
      private: part("private").checked,
      token: part("token").value || null,
    });
    isAsking = false;
    if (answer.error) refuse(answer.error.message, answer.error.field);
    else read();
    drawButtons();
  };
  part("cancel").onclick = async () => {
    const id = await begin();
    if (!id) return;
    say("Cancelling…");
    const answer = await ask("cancel_push", { run_id: id });
    isAsking = false;
    if (answer.error) refuse(answer.error.message);
    await read();
    show();
  };
  part("format").onchange = drawNeeds;
  const lookAgain = () => {
    const id = looked.value?.id || wanted.value;
    if (id === run) return;
    run = id;
    push = null;
    isRefused = false;
    show();
    read();
  };
  turn.follow(element, lookAgain);
  wanted.follow(element, lookAgain);
  listen(element, "visibilitychange", read);
  repeat(
    element,
    async () => {
      if (isAtWork(push)) await read();
    },
    () => pause(EVERY),
  );
  drawNeeds();
  lookAgain();
}
