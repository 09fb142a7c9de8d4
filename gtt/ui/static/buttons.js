// A button for which there is nothing to do says why, instead of failing or of doing nothing.
const ACTIVE = ["queued", "preparing", "running", "stopping"];
const TWICE = 1500; // milliseconds in which a second press of Start is taken for the same one
let run = null, runs = [], pressed = -TWICE;

function whyNot() {
  const active = run && ACTIVE.includes(run.state), any = active || runs.some((one) => ACTIVE.includes(one.state));
  const none = run ? null : "There is no run yet: start one first.";
  const atWork = active ? "It is at work: stop it first, or wait for its end." : null;
  return {
    stop: any ? null : "No run is at work.",
    "stop-this": none || (active ? null : "This run has ended already."),
    resume: none || atWork || (run.state === "completed" ? "It has done all of its steps: train it longer instead." : null),
    longer: none || atWork,
    use: none,
    delete: none,
    rename: none,
  };
}

// While a run is at work a new one waits for it.
function nameStart() {
  const button = document.querySelector("button#start"), isWaiting = runs.some((one) => ACTIVE.includes(one.state));
  if (!button) return;
  button.dataset.first = button.dataset.first || button.textContent.trim();
  const words = isWaiting ? "Start another run" : button.dataset.first;
  if (button.textContent.trim() !== words) button.textContent = words;
}

function draw() {
  nameStart();
  for (const [id, why] of Object.entries(whyNot())) {
    const button = document.querySelector(`button#${id}`);
    if (!button) continue;
    if (why) { button.setAttribute("aria-disabled", "true"); button.dataset.why = why; }
    else { button.removeAttribute("aria-disabled"); delete button.dataset.why; }
  }
}

function press(event) {
  const button = event.target.closest && event.target.closest("button");
  if (!button) return;
  const twice = button.id === "start" && event.timeStamp - pressed < TWICE;
  if (button.id === "start" && !twice) pressed = event.timeStamp;
  if (!twice && button.getAttribute("aria-disabled") !== "true") return;
  event.stopImmediatePropagation();
  event.preventDefault();
  if (!twice) document.dispatchEvent(new CustomEvent("gtt:said", { detail: button.dataset.why }));
}

const life = new AbortController();
function hear(event, act, capture = false) {
  document.addEventListener(event, (one) => {
    if (!element.isConnected) life.abort(); else act(one);
  }, { signal: life.signal, capture });
}
hear("gtt:run", (event) => { run = event.detail; draw(); });
hear("gtt:runs", (event) => { runs = event.detail; draw(); });
// A refusal answers the first press: what is pressed then is meant.
for (const told of ["gtt:refused", "gtt:draft"]) hear(told, (event) => { if (event.detail && event.detail.refused) pressed = -TWICE; });
hear("click", press, true);
draw();
