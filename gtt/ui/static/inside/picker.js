// Which run and which checkpoint a view looks at: two lists that keep up with the runs by
// themselves. `changed(why)` is called whenever another model is to be looked at: for another
// `"run"`, another `"checkpoint"` that a person chose, or for `"news"`, where the best or the
// newest of the same run is now another one, or there is one at last. Nothing else has to ask.
const AGAIN_LATER = 4000; // milliseconds after which a list that did not come is asked for again

class Picker {
  constructor(runs, checkpoints, changed) {
    this.runs = runs;
    this.checkpoints = checkpoints;
    this.changed = changed;
    // As wide whatever is chosen: what a run is at must not move what stands beside it.
    runs.classList.add("of-runs");
    checkpoints.classList.add("of-checkpoints");
    this.byHand = false; // a run that a person chose stays when the page moves on to a new one
    this.wanted = null;
    this.list = null;
    this.kept = [];
    this.mark = null;
    this.state = "";
    runs.onchange = () => { this.byHand = true; this.fill(); };
    checkpoints.onchange = () => this.settle();
    const heard = (event) => {
      if (element.isConnected) this.hear(event.detail);
      else document.removeEventListener("gtt:runs", heard);
    };
    document.addEventListener("gtt:runs", heard);
    // What happened while another tab was open.
    new IntersectionObserver((entries) => {
      if (entries[entries.length - 1].isIntersecting && this.list) this.refresh();
    }).observe(runs);
  }

  get run() { return this.runs.value || null; }
  get checkpoint() { return this.checkpoints.value || "best"; }
  // The step that is looked at, null where there is none.
  get step() {
    const { checkpoint, kept } = this;
    if (!kept.length) return null;
    if (checkpoint === "latest") return Math.max(...kept.map((one) => one.step));
    if (checkpoint === "best") return (kept.find((one) => one.best) || { step: null }).step;
    return Number(checkpoint);
  }
  get steps() { return this.kept.map((one) => one.step).join(); }
  // The run and the checkpoint as a request names them.
  get chosen() {
    const { run, checkpoint } = this;
    return run ? { run_id: run, checkpoint } : { checkpoint };
  }
  get info() { return (this.list || []).find((one) => one.id === this.run) || null; }
  get isActive() { return Boolean(this.info) && ACTIVE.includes(this.info.state); }
  get isSeen() {
    const { runs } = this, isLaidOut = runs.offsetParent !== null;
    return !document.hidden && (runs.checkVisibility ? runs.checkVisibility() : isLaidOut);
  }
  // Why there is nothing to look into; empty where there is something.
  get lack() {
    if (!this.run || this.kept.length) return "";
    const name = this.info ? `“${this.info.name}”` : "This run";
    return this.isActive || !this.info
      ? `${name} has saved no checkpoint yet: this comes by itself with its first one.`
      : `${name} has no checkpoint: choose another run.`;
  }

  // The run that the page looks at.
  follow(wanted) {
    this.wanted = wanted;
    return this.refresh();
  }

  async refresh() {
    const answer = await ask("runs", { limit: 200 }, true, this.runs);
    if (answer) { this.show(answer.runs); await this.fill(); return; }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (element.isConnected && !this.list) this.refresh();
    }, AGAIN_LATER);
  }

  show(list) {
    const before = this.run;
    const named = list.length ? list.map((run) => [run.id, Picker.named(run)]) : [["", "no run yet"]];
    this.list = list;
    Picker.options(this.runs, named, this.byHand && before ? before : this.wanted || before);
  }

  // The desk's runs as they are now.
  hear(list) {
    if (!this.list || !key) return;
    const before = this.run;
    this.show(list);
    const { state } = this.info || { state: "" };
    const isOther = before !== this.run || state !== this.state;
    if (this.isSeen && (isOther || this.isActive)) this.fill();
  }

  async fill() {
    const { run } = this;
    if (run !== this.keptOf) { this.kept = []; this.keptOf = run; }
    this.state = this.info ? this.info.state : "";
    if (!run) { this.lay([]); return; }
    const answer = await ask("checkpoints", { run_id: run }, true, this.checkpoints);
    if (run !== this.run) return;
    if (answer) this.lay(answer.checkpoints); else if (this.mark === null) this.settle();
  }

  lay(kept) {
    this.kept = kept;
    const steps = kept.map((one) => [String(one.step), `step ${one.step.toLocaleString("en")}`]);
    const named = kept.length ? [["best", "the best"], ["latest", "the newest"], ...steps]
      : [["best", "no checkpoint yet"]];
    Picker.options(this.checkpoints, named, this.checkpoint); // what was chosen stays chosen
    this.settle();
  }

  settle() {
    const mark = { run: this.run, checkpoint: this.checkpoint, step: this.step, lack: this.lack };
    const before = this.mark || {};
    this.mark = mark;
    if (before.run !== mark.run) this.changed("run");
    else if (before.checkpoint !== mark.checkpoint) this.changed("checkpoint");
    else if (before.step !== mark.step || before.lack !== mark.lack) this.changed("news");
  }

  // A run by its name, what it is where the name does not say so, and how it stands.
  static named(run) {
    const isTold = !run.text || run.name.toLowerCase().includes(run.text.toLowerCase());
    const what = isTold ? "" : `${run.text}, ${run.tokenizer}`;
    return [run.name, what, run.state.replace(/_/g, " ")].filter(Boolean).join(" · ");
  }

  static options(select, named, value) {
    const { options } = select;
    const isSame = ([id], i) => options[i].value === id;
    const same = options.length === named.length && named.every(isSame);
    if (!same) select.replaceChildren(...named.map(([id, text]) => new Option(text, id)));
    else named.forEach(([, text], i) => { if (options[i].text !== text) options[i].text = text; });
    const isKnown = named.some(([id]) => id === value);
    const wanted = isKnown ? value : (named[0] || [""])[0];
    if (select.value !== wanted) select.value = wanted;
  }
}
