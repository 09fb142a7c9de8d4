// The draft on a machine of the Hub: its price first, then a plain yes. The machines are asked for
// when this comes into sight, so that whoever never opens it asks the Hub for nothing. A token
// leaves its field for the job alone.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const EVERY = 4000;
let key = "", run = null, job = null, machines = [], seconds = null, loading = false, loaded = false, busy = false, asking = false, heard = 0;

const money = (n) => `$${(Math.ceil(100 * n - 1e-6) / 100).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
const cost = (n) => (n >= 0.01 ? `about ${money(n)}` : "less than $0.01");
const machine = () => machines.find((one) => one.name === $("flavor").value);
const minutes = () => Number($("minutes").value);

function say(text, isWrong) {
  $("said").textContent = text;
  $("said").classList.toggle("wrong", Boolean(isWrong));
}

function attach(value) {
  const next = value || {};
  key = next.workspace || "";
  if ((next.run || null) !== run) { job = null; showJob(); }
  run = next.run || null;
  if (next.asked && next.asked !== heard) { // the answer to a press
    heard = next.asked; asking = false;
    if (next.refused) refuse(next.refused);
    else { say("Started: it is followed above and among My runs."); $("token").value = ""; }
    buttons();
  }
  poll();
}

function refuse(refused) {
  say(refused.message, true);
  for (const name of ["flavor", "minutes", "token"]) {
    if (refused.field === name) { $(name).setAttribute("aria-invalid", "true"); $(name).focus(); }
  }
}

function buttons() {
  const isReady = Boolean(machine()) && minutes() >= 5 && minutes() <= 1440;
  for (const name of ["ask", "begin"]) $(name).disabled = asking || !isReady;
  $("follow").disabled = asking;
}

function duration(s) {
  return s < 90 ? `${Math.max(1, Math.round(s))} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`;
}

function price() {
  $("confirm").hidden = true;
  for (const name of ["flavor", "minutes", "token"]) $(name).removeAttribute("aria-invalid");
  const one = machine();
  if (!one) $("price").textContent = "";
  else if (!(minutes() >= 5 && minutes() <= 1440)) $("price").textContent = "A time limit is 5 to 1,440 minutes: installing alone takes some.";
  else {
    const here = seconds === null ? "" : ` This computer would train it in about ${duration(seconds)}; there, installing takes some minutes first.`;
    const parts = [one.gpu, one.cpu, one.memory].filter(Boolean).join(", ");
    $("price").textContent = `${parts}: ${money(one.dollars_per_hour)} an hour, at most ${money(one.dollars_per_hour * minutes() / 60)} in ${minutes()} minutes.${here}`;
  }
  buttons();
}

// In place of the machines, with a button where nobody asks any more.
function waiting(text, isOver = false) {
  $("flavor").firstElementChild.textContent = text;
  $("again").hidden = !isOver;
}

async function load() {
  if (loading || loaded || !key) return;
  loading = true;
  waiting("asking the Hub…");
  try {
    const answer = await server.job_hardware({ workspace: key });
    if (answer.error) { waiting("no answer yet", true); say(answer.error.message, true); }
    else {
      loaded = true; machines = answer.machines; seconds = answer.seconds_here;
      $("minutes").value = answer.minutes;
      $("token").placeholder = answer.has_login ? "hf_… or the login of this computer" : "hf_…";
      $("flavor").textContent = "";
      for (const one of machines) {
        const option = document.createElement("option");
        option.value = one.name;
        option.textContent = `${one.title}, ${money(one.dollars_per_hour)}/h`;
        $("flavor").append(option);
      }
      $("flavor").disabled = machines.length === 0;
      say("");
      price();
    }
  } catch (error) {
    waiting("no answer yet", true);
    say("The machines could not be asked for: ask again in a while.", true);
  }
  loading = false;
}

function ask(event) {
  event.preventDefault();
  if ($("ask").disabled) return;
  price();
  const one = machine(), most = money(one.dollars_per_hour * minutes() / 60);
  $("terms").textContent = `This rents “${one.title}” at ${money(one.dollars_per_hour)} an hour from your credit at Hugging Face, for at most ${minutes()} minutes. Your recipe, and your text where it is a file, go into a new private repository of yours there, and the model comes back by it.`;
  $("begin").textContent = `Start it for at most ${most}`;
  $("confirm").hidden = false;
  say("");
  trigger("kept", {}); // what is on the screen is what will be trained
  $("begin").focus();
}

function begin() {
  const one = machine();
  if (asking || !one) return;
  asking = true;
  $("confirm").hidden = true;
  say("Starting…");
  buttons();
  const most = Math.ceil(100 * one.dollars_per_hour * minutes() / 60 - 1e-6) / 100;
  trigger("begun", { flavor: one.name, minutes: minutes(), at_most: most, token: $("token").value });
}

function showJob() {
  $("job").hidden = !job;
  if (!job) return;
  const most = `at most ${money(job.dollars_at_most)}`;
  const words = {
    submitting: "is being asked for", scheduling: "is waited for", running: `has cost ${cost(job.dollars)} so far, ${most}`,
    fetching: "has ended, and its model is being fetched", over: job.url ? `cost ${cost(job.dollars)}` : "was not started",
    lost: `is followed by nobody, and has cost ${cost(job.dollars)}, ${most}`,
  }[job.stage];
  $("where").textContent = `The run that is shown: ${job.title}, ${money(job.dollars_per_hour)} an hour, ${words}.${job.message && job.stage !== "over" ? ` ${job.message}` : ""}`;
  $("link").hidden = !(job.url && /^https?:/.test(job.url));
  if (!$("link").hidden) $("link").href = job.url;
  $("follow").hidden = job.stage !== "lost" && job.gone !== true;
}

async function poll() {
  if (busy || !key || document.hidden) return;
  busy = true;
  const asked = run;
  try {
    const answer = run ? await server.read_run({ workspace: key, run_id: run }) : await server.status({ workspace: key });
    if (asked === run && !answer.error) {
      const told = answer.run;
      job = told && told.job ? { ...told.job, id: told.id, gone: told.state === "interrupted" && told.job.stage !== "over" } : null;
      showJob();
    }
  } catch (error) { /* asked again in a while */ }
  busy = false;
}

$("form").onsubmit = ask;
$("flavor").onchange = price;
$("minutes").oninput = price;
$("again").onclick = load;
$("begin").onclick = begin;
$("no").onclick = () => { $("confirm").hidden = true; $("ask").focus(); };
$("follow").onclick = () => {
  if (asking || !job) return;
  asking = true;
  say("Following it again…");
  buttons();
  trigger("followed", { run: job.id, token: $("token").value });
};
const seen = new IntersectionObserver((entries) => { if (entries.some((one) => one.isIntersecting)) load(); });
seen.observe(element);
const clock = setInterval(() => {
  if (!element.isConnected) { clearInterval(clock); seen.disconnect(); return; }
  if (element.offsetParent !== null) { load(); if (job && job.stage !== "over") poll(); }
}, EVERY);
watch("value", () => attach(props.value));
attach(props.value);
