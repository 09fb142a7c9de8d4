// The live view of one run: state, curves, samples on a timeline. Gradio gives `element`, `props`,
// `watch`, `trigger` and `server`; D3 is loaded before. The browser keeps the points it has and asks
// only for what is new; the server never sends a point twice, but after a resume.
const UNITS = {
  loss: { title: "Loss (nats per token)", of: (v) => v },
  perplexity: { title: "Perplexity", of: (v) => Math.exp(v) },
  bits: { title: "Bits per byte", of: (v, run) => v / (run.bytes_per_token * Math.LN2) },
};
const BASELINES = { uniform: "Uniform", unigram: "Unigram", bigram: "Bigram", floor: "Floor" };
const ACTIVE = ["queued", "preparing", "running", "stopping"];
const MOST_POINTS = 1500; // per curve in the browser; more are thinned by minimum and maximum
// D3 gained `join` in 5.8; the one that is shipped is older.
d3.selection.prototype.join = d3.selection.prototype.join || function (make) {
  this.exit().remove();
  const made = typeof make === "string" ? this.enter().append(make) : make(this.enter());
  return made.merge(this);
};
const $ = (name) => element.querySelector(`[data-part="${name}"]`);

const view = { unit: "loss", log: false, logSteps: false, smoothing: 0, zoom: null, at: null, pinned: false, cursor: null };
let key = "", wanted = null, run = null, cursor = 0, resumes = 0, busy = false, failures = 0;
let idle = 0, patience = 0; // polls in a row that told nothing new; milliseconds asked for by a busy server
let curves = {}, samples = [], looks = [], schedule = [], polls = 0;
const kept = new Map(); // snapshots that were fetched, by step

function attach(value) {
  const next = value || {};
  key = next.workspace || "";
  if ((next.run || null) === wanted && run) return;
  wanted = next.run || null;
  forget();
  draw();
  again(); // from here on at the pace of this run
}

function forget() {
  run = null; cursor = 0; resumes = 0; curves = {}; samples = []; looks = []; schedule = []; kept.clear(); view.zoom = null;
  view.at = null; view.pinned = false; view.cursor = null; idle = 0;
  $("unzoom").disabled = true;
}
