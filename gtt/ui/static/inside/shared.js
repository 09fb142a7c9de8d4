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

// What so many nats come to: how rarely a guess by such odds is right.
function oneIn(nats) {
  const tokens = Math.exp(nats);
  return tokens >= 1e6 ? tokens.toExponential(1) : tokens >= 100 ? Math.round(tokens).toLocaleString("en") : tokens.toPrecision(2);
}

// Whether there are a pointer and keys to speak of.
const byTouch = () => matchMedia("(hover: none), (pointer: coarse), (max-width: 480px)").matches;

// A sentence for whoever looks or listens; empty where all is well.
function say(text) { const place = $("said"); if (place.textContent !== text) place.textContent = text; }

// Asks an endpoint; null, with the sentence shown, where it refuses. Only the newest answer to the
// same asker counts.
const turns = new Map();
async function ask(name, values, quiet = false, asker = name) {
  const turn = (turns.get(asker) || 0) + 1;
  turns.set(asker, turn);
  let answer;
  try { answer = await server[name]({ workspace: key, asked: document.documentElement.dataset.gttAsked, ...values }); } catch (error) { answer = { error: { message: "The server does not answer: try again in a moment." } }; }
  if (turns.get(asker) !== turn) return null;
  if (answer.error) { if (!quiet) say(answer.error.message); return null; }
  if (!quiet) say("");
  return answer;
}

let key = "";
