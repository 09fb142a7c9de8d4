// What all looks into a model share: parts of the template, tokens as visible text, which run and
// which checkpoint is looked at. Gradio gives `element`, `props`, `watch`, `trigger` and `server`.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const ACTIVE = ["queued", "preparing", "running", "stopping"];
// D3 gained `join` in 5.8; the one that is shipped is older.
d3.selection.prototype.join = d3.selection.prototype.join || function (make) {
  this.exit().remove();
  const made = typeof make === "string" ? this.enter().append(make) : make(this.enter());
  return made.merge(this);
};

// A token so that it can be seen: blanks and breaks have signs of their own. Always set as text.
const SIGNS = { " ": "·", "\n": "↵", "\t": "⇥", "\r": "␍" };
const visible = (text) => (text === "" ? "∅" : text.replace(/[ \n\t\r]/g, (c) => SIGNS[c]));
const number = (v, digits = 3) => (v === null || v === undefined ? "–" : Number(v).toFixed(digits));
const percent = (v) => (v >= 0.0995 ? `${Math.round(100 * v)} %` : v >= 0.00095 ? `${(100 * v).toFixed(1)} %` : v > 0 ? "<0.1 %" : "0 %");

// A sentence for whoever looks or listens; empty where all is well.
function say(text) { const place = $("said"); if (place.textContent !== text) place.textContent = text; }

// Asks an endpoint; null, with the sentence shown, where it refuses. Only the newest answer to the
// same asker counts.
const turns = new Map();
async function ask(name, values, quiet = false, asker = name) {
  const turn = (turns.get(asker) || 0) + 1;
  turns.set(asker, turn);
  let answer;
  try { answer = await server[name]({ workspace: key, ...values }); } catch (error) { answer = { error: { message: "The server does not answer: try again in a moment." } }; }
  if (turns.get(asker) !== turn) return null;
  if (answer.error) { if (!quiet) say(answer.error.message); return null; }
  if (!quiet) say("");
  return answer;
}

let key = "";

// Two lists: my runs, and the checkpoints of the one that is chosen. `changed` is called when
// another run or checkpoint is to be looked at. A chosen run stays chosen when the page moves on to
// a new one only if a person chose it.
class Picker {
  constructor(runs, checkpoints, changed) {
    this.runs = runs; this.checkpoints = checkpoints; this.changed = changed;
    this.byHand = false; this.steps = "";
    runs.onchange = () => { this.byHand = true; this.steps = ""; this.fill().then(() => this.changed()); };
    checkpoints.onchange = () => this.changed();
  }
  get run() { return this.runs.value || null; }
  get checkpoint() { return this.checkpoints.value || "best"; }
  // The step that is looked at, null where there is none.
  get step() {
    const kept = this.kept || [], { checkpoint } = this;
    if (checkpoint === "latest") return kept.length ? Math.max(...kept.map((one) => one.step)) : null;
    if (checkpoint === "best") return (kept.find((one) => one.best) || { step: null }).step;
    return Number(checkpoint);
  }
  // The run and the checkpoint as a request names them.
  get chosen() { return { ...(this.run ? { run_id: this.run } : {}), checkpoint: this.checkpoint }; }
  async follow(wanted) {
    const answer = await ask("runs", { limit: 200 }, true, this.runs);
    if (!answer) return;
    this.list = answer.runs;
    const before = this.run;
    const named = answer.runs.map((run) => [run.id, `${run.name} · ${run.state.replace(/_/g, " ")}`]);
    Picker.options(this.runs, named, this.byHand && before ? before : wanted || before);
    await this.fill();
    if (before !== this.run) this.changed();
  }
  async fill() {
    if (!this.run) { Picker.options(this.checkpoints, [["best", "no checkpoint yet"]], "best"); return; }
    const run = this.run, answer = await ask("checkpoints", { run_id: run }, true, this.checkpoints);
    if (!answer || run !== this.run) return; // what was chosen stays chosen
    const kept = this.kept = answer.checkpoints;
    const steps = kept.map((one) => one.step).join();
    if (steps === this.steps && this.checkpoints.options.length) return;
    this.steps = steps;
    const named = kept.map((one) => [String(one.step), `step ${one.step.toLocaleString("en")}`]);
    Picker.options(this.checkpoints, [["best", "the best"], ["latest", "the newest"], ...named], this.checkpoint);
  }
  static options(select, named, value) {
    const same = select.options.length === named.length && named.every(([id, text], i) => select.options[i].value === id && select.options[i].text === text);
    if (!same) select.replaceChildren(...named.map(([id, text]) => new Option(text, id)));
    select.value = named.some(([id]) => id === value) ? value : named.length ? named[0][0] : "";
  }
}
