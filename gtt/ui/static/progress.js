// How the run that is looked at stands, in one line above the tabs. The live view tells it; a page
// on which that was never opened asks by itself.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const ACTIVE = ["queued", "preparing", "running", "stopping"];
const SILENCE = 6000; // milliseconds without a word of the live view, after which it is not there
const FROM = 1e9; // a cursor beyond every journal: no curve is sent
let key = "", wanted = null, run = null, heardAt = -SILENCE, resumes = 0, busy = false;

function attach(value) {
  const next = value || {};
  key = next.workspace || "";
  if ((next.run || null) !== wanted) { resumes = 0; heardAt = -SILENCE; }
  wanted = next.run || null;
  poll();
}

async function poll() {
  if (busy || !key || document.hidden || performance.now() - heardAt < SILENCE) return;
  busy = true;
  const asked = wanted;
  try {
    const answer = await server.poll({ workspace: key, run_id: asked, after: FROM, resumes });
    const isNewer = performance.now() - heardAt < SILENCE; // the live view has spoken meanwhile
    if (asked === wanted && answer && !answer.error && !isNewer) {
      resumes = answer.resumes;
      show(answer.run);
    }
  } catch (error) { /* asked again in a while */ }
  busy = false;
}

function duration(seconds) {
  const s = Math.round(seconds), m = Math.floor(s / 60), h = Math.floor(m / 60);
  return h ? `${h} h ${m % 60} min` : m ? `${m} min ${s % 60} s` : `${s} s`;
}

const whole = (v) => Math.round(v).toLocaleString("en");
function size(n) { return n < 1e5 ? `${whole(n / 1e3)} k` : `${(n / 1e6).toFixed(1)} M`; }

function show(next) {
  run = next;
  const isActive = run && ACTIVE.includes(run.state);
  const about = run ? `${run.text}, ${run.tokenizer}, ${size(run.parameters)}` : "";
  $("name").textContent = run ? run.name : "No run yet";
  // The name of a run that nobody named says it already.
  $("about").textContent = run && !run.name.startsWith(about) ? about : "";
  $("dot").className = `dot ${isActive ? "active" : run ? run.state : ""}`;
  const share = run && run.total_steps ? run.step / run.total_steps : 0;
  $("bar").style.transform = `scaleX(${share})`;
  $("track").setAttribute("aria-valuenow", Math.round(100 * share));
  $("far").textContent = run ? far(run) : "Pick a recipe and press Start training.";
}

function far(one) {
  const state = one.state.replace(/_/g, " ");
  if (one.queue) return `place ${one.queue.place} in the queue`;
  if (!one.total_steps) return one.stage || state;
  const steps = `${whole(one.step)} of ${whole(one.total_steps)} steps`;
  if (one.state !== "running") return `${state} · ${steps}`;
  return one.eta_seconds ? `${steps} · about ${duration(one.eta_seconds)} left` : steps;
}

function heard(event) {
  if (!element.isConnected) { document.removeEventListener("gtt:progress", heard); return; }
  heardAt = performance.now();
  show(event.detail);
}
document.addEventListener("gtt:progress", heard);

function again() {
  if (!element.isConnected) return;
  setTimeout(() => poll().finally(again), run && ACTIVE.includes(run.state) ? 1500 : 4000);
}
watch("value", () => attach(props.value));
attach(props.value);
again();
