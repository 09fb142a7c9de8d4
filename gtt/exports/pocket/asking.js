// The page asks, the worker answers: each question gets a promise.

const about = JSON.parse(document.getElementById("about").textContent);
const $ = (id) => document.getElementById(id);

const worker = startWorker($("worker").textContent);
const waiting = new Map(); // questions without an answer yet
let lastQuestion = 0;

/** A worker from the text in this file: there is no other file to load one from. */
function startWorker(text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const started = new Worker(url);
  URL.revokeObjectURL(url);
  return started;
}

/** Asks the worker. `onToken` hears of each token while the worker writes. */
function ask(question, more = {}, onToken = null) {
  return new Promise((resolve, reject) => {
    const id = ++lastQuestion;
    waiting.set(id, { resolve, reject, onToken });
    worker.postMessage({ ask: question, id, ...more });
  });
}

worker.onmessage = ({ data }) => {
  const question = waiting.get(data.id);
  if ("token" in data) { question.onToken(data); return; }
  waiting.delete(data.id);
  if ("error" in data) question.reject(new Error(data.error));
  else question.resolve(data.answer);
};
worker.onerror = (event) => say(`The model stopped: ${event.message}. Load the page again.`, true);

/** What goes on, in one line that screen readers hear. */
function say(text, isWrong = false) {
  $("said").textContent = text;
  $("said").classList.toggle("wrong", isWrong);
}

/** A token as it can be seen: a line break or a space alone would be nothing. */
function visible(piece) {
  return piece.replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/^ | $/g, "␣");
}

/** The settings on the page, each within its limits and whole where it has to be. */
function settings() {
  const number = (id, least, most, otherwise) => {
    const value = $(id).value === "" ? NaN : Number($(id).value);
    return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : otherwise;
  };
  return {
    temperature: number("temperature", 0, 2, 0.8),
    topK: Math.round(number("top-k", 0, about.vocabulary, 0)),
    topP: number("top-p", 0, 1, 1),
    count: Math.round(number("count", 1, 2000, 100)),
    seed: Math.round(number("seed", 0, 2 ** 32 - 1, Math.floor(Math.random() * 2 ** 32))),
  };
}
