/**
 * The draft on a machine of the Hub: its price first, then a plain yes. The machines are asked for
 * when this comes into sight, so that whoever never opens it asks the Hub for nothing. A token
 * leaves its field for the job alone.
 */
import { ask, desk, pause } from "../../lib/api.js";
import { add, partsOf, repeat } from "../../lib/dom.js";
import { keepScreen, settled } from "../../lib/draft.js";
import { lookAt, run } from "../../lib/store.js";
import { atMost, inCents, LIMITS, money, priceOf, standing, termsOf } from "./words.js";

/** @typedef {import("./words.js").Machine} Machine */

const EVERY = 4000; // milliseconds
const OUTSIDE = "A time limit is 5 to 1,440 minutes: installing alone takes some.";
const LOST = "The machines could not be asked for: ask again in a while.";
const FIELDS = ["flavor", "minutes", "token"];

/** @param {HTMLElement} element */
export function mount(element) {
  const part = partsOf(element);
  let machines = /** @type {Machine[]} */ ([]);
  let secondsHere = /** @type {number | null} */ (null);
  let isLoading = false;
  let isLoaded = false;
  let isAsking = false;

  const machine = () => machines.find((one) => one.name === part("flavor").value);
  const minutes = () => Number(part("minutes").value);
  const token = () => part("token").value || null;
  const isWithin = () => minutes() >= LIMITS.least && minutes() <= LIMITS.most;

  /** @param {string} sentence @param {boolean} [isWrong] */
  function say(sentence, isWrong = false) {
    part("said").textContent = sentence;
    part("said").classList.toggle("wrong", isWrong);
  }

  function drawButtons() {
    for (const name of ["ask", "begin"]) {
      part(name).disabled = isAsking || !machine() || !isWithin();
    }
    part("follow").disabled = isAsking;
  }

  function drawPrice() {
    part("confirm").hidden = true;
    for (const name of FIELDS) part(name).removeAttribute("aria-invalid");
    const one = machine();
    const price = one && isWithin() ? priceOf(one, minutes(), secondsHere) : OUTSIDE;
    part("price").textContent = one ? price : "";
    drawButtons();
  }

  /**
   * In place of the machines, with a button where nobody asks any more.
   *
   * @param {string} text
   * @param {boolean} isOver
   */
  function showWaiting(text, isOver) {
    part("flavor").firstElementChild.textContent = text;
    part("again").hidden = !isOver;
  }

  async function load() {
    if (isLoading || isLoaded || !desk()) return;
    isLoading = true;
    showWaiting("asking the Hub…", false);
    const answer = await ask("job_hardware", {});
    isLoading = false;
    if (answer.error) {
      showWaiting("no answer yet", true);
      say(answer.error.code === "lost" ? LOST : answer.error.message, true);
      return;
    }
    isLoaded = true;
    machines = answer.machines;
    secondsHere = answer.seconds_here;
    part("minutes").value = answer.minutes;
    part("token").placeholder = answer.has_login ? "hf_… or the login of this computer" : "hf_…";
    part("flavor").textContent = "";
    for (const one of machines) {
      const text = `${one.title}, ${money(one.dollars_per_hour)}/h`;
      add(part("flavor"), "option", { text }).value = one.name;
    }
    part("flavor").disabled = machines.length === 0;
    say("");
    drawPrice();
  }

  function showJob() {
    const job = run.value?.job;
    part("job").hidden = !job;
    if (!job) return;
    const isGone = run.value?.state === "interrupted" && job.stage !== "over";
    part("where").textContent = standing(job);
    part("link").hidden = !/^https?:/.test(job.url || "");
    if (job.url) part("link").href = job.url;
    part("follow").hidden = job.stage !== "lost" && !isGone;
  }

  /**
   * What begins or follows a run, and is looked at from then on.
   *
   * @param {string} sentence what is said until the answer is there
   * @param {Promise<import("../../types/ask").Reply<"run_on_hub">>} asked
   */
  async function wait(sentence, asked) {
    isAsking = true;
    say(sentence);
    drawButtons();
    const answer = await asked;
    isAsking = false;
    drawButtons();
    if (!answer.error) {
      say("Started: it is followed above and among My runs.");
      part("token").value = "";
      return lookAt(answer.run.id);
    }
    const { message, field } = answer.error;
    say(message, true);
    if (!field || !FIELDS.includes(field)) return;
    part(field).setAttribute("aria-invalid", "true");
    part(field).focus();
  }

  part("form").onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const one = machine();
    if (!one || part("ask").disabled) return;
    drawPrice();
    part("terms").textContent = termsOf(one, minutes());
    part("begin").textContent = `Start it for at most ${money(atMost(one, minutes()))}`;
    part("confirm").hidden = false;
    say("");
    keepScreen(); // what is on the screen is what will be trained
    part("begin").focus();
  };
  part("begin").onclick = () => {
    const one = machine();
    if (isAsking || !one) return;
    part("confirm").hidden = true;
    const price = inCents(atMost(one, minutes()));
    const order = { flavor: one.name, minutes: minutes(), at_most: price, token: token() };
    wait(
      "Starting…",
      settled().then(() => ask("run_on_hub", order)),
    );
  };
  part("follow").onclick = () => {
    if (isAsking || !run.value) return;
    wait("Following it again…", ask("follow_job", { run_id: run.value.id, token: token() }));
  };
  part("flavor").onchange = drawPrice;
  part("minutes").oninput = drawPrice;
  part("again").onclick = load;
  part("no").onclick = () => {
    part("confirm").hidden = true;
    part("ask").focus();
  };
  run.follow(element, showJob);
  showJob();
  const sight = new IntersectionObserver((entries) => {
    if (!element.isConnected) sight.disconnect();
    else if (entries.some((entry) => entry.isIntersecting)) load();
  });
  sight.observe(element);
  repeat(
    element,
    async () => {
      if (element.offsetParent !== null) await load();
    },
    () => pause(EVERY),
  );
}
