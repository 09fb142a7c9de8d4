// The text, the buttons above it, and the odds of what comes next.

let ids = []; // the whole text as tokens
let given = 0; // how many of them the reader of this page gave
let place = 0; // the odds are those of the token at this place; at the end, of the next one
let isWriting = false;

/** Begins with the prompt and writes. */
async function begin() {
  const text = $("prompt").value;
  if (text === "") { say("Give at least one character to begin with.", true); return; }
  try {
    const prompt = await ask("encode", { text });
    clearText();
    prompt.ids.forEach((id, i) => addToken(id, prompt.pieces[i], true));
  } catch (error) {
    say(error.message, true);
    return;
  }
  await goOn();
}

/** Writes on from the end of the text. */
async function goOn() {
  setWriting(true);
  say("Writing…");
  try {
    const { count, ...how } = settings();
    const done = await ask("write", { ids, count, ...how }, ({ token, piece }) => {
      addToken(token, piece, false);
    });
    await showWhole();
    const speed = Math.round(done.ids.length / done.seconds);
    say(`Wrote ${done.ids.length} tokens, ${speed.toLocaleString("en")} a second.`);
  } catch (error) {
    say(error.message, true);
  }
  setWriting(false);
  await choosePlace(ids.length);
  await showAttention();
}

function setWriting(now) {
  isWriting = now;
  for (const id of ["write", "on"]) $(id).disabled = now;
  $("on").disabled = now || !ids.length;
  $("stop").disabled = !now;
}

function clearText() {
  ids = [];
  given = 0;
  $("text").replaceChildren();
}

function addToken(id, piece, isGiven) {
  const span = document.createElement("span");
  span.textContent = piece;
  if (isGiven) span.className = "given";
  ids.push(id);
  given += isGiven;
  $("text").append(span);
  $("text").scrollTop = $("text").scrollHeight;
}

/**
 * A character that is spread over several tokens shows only when all are there: each token in turn
 * gets what the text has grown by with it.
 */
async function showWhole() {
  const spans = [...$("text").children];
  const odd = spans.findIndex((span) => span.textContent.includes("\ufffd"));
  if (odd < 0) return;
  let shown = await ask("decode", { ids: ids.slice(0, odd) });
  for (let i = odd; i < ids.length; i++) {
    const text = await ask("decode", { ids: ids.slice(0, i + 1) });
    const isHalf = text.endsWith("\ufffd") && i + 1 < ids.length;
    const whole = isHalf ? text.replace(/\ufffd+$/, "") : text;
    spans[i].textContent = whole.slice(shown.length);
    shown = whole;
  }
}

/** Shows the odds of the token at a place of the text, which has to have one before it. */
async function choosePlace(next) {
  if (isWriting || !ids.length) return;
  place = Math.max(1, Math.min(next, ids.length));
  const spans = [...$("text").children];
  spans.forEach((span, i) => span.classList.toggle("chosen", i === place));
  $("earlier").disabled = place <= 1;
  $("later").disabled = place >= ids.length;
  const { temperature, topK, topP } = settings();
  const before = ids.slice(0, place);
  const found = await ask("odds", { ids: before, count: 10, temperature, topK, topP });
  const there = spans[place] ? `“${visible(spans[place].textContent)}”` : null;
  $("place").textContent = there
    ? `In the place of ${there}, token ${place + 1} of ${ids.length}: the likeliest tokens. `
      + "Choose one, and the text goes on with it from there."
    : "The likeliest tokens after the text. Choose one, and the text goes on with it.";
  $("odds").replaceChildren(...found.map(showOdds));
}

function showOdds({ token, piece, odds, kept }) {
  const item = document.createElement("li"), button = document.createElement("button");
  const parts = { token: visible(piece), bar: "", share: `${(100 * odds).toFixed(1)} %` };
  for (const [name, text] of Object.entries(parts)) {
    const span = document.createElement("span");
    span.className = name;
    span.textContent = text;
    button.append(span);
  }
  button.type = "button";
  button.querySelector(".bar").style.width = `${100 * odds}%`;
  if (kept === 0) button.classList.add("cut");
  button.title = kept === 0 ? "Cut off by top-k, top-p or temperature 0"
    : `${(100 * kept).toFixed(1)} % with these settings`;
  button.onclick = () => take(token, piece);
  item.append(button);
  return item;
}

/** Puts a token at the chosen place; what stood from there on goes. */
async function take(token, piece) {
  if (isWriting) return;
  ids.length = place;
  given = Math.min(given, place);
  [...$("text").children].slice(place).forEach((span) => span.remove());
  addToken(token, piece, false);
  await showWhole();
  await choosePlace(ids.length);
  await showAttention();
  $("odds").querySelector("button").focus();
  say(`Took “${visible(piece)}”.`);
}

$("write").onclick = begin;
$("on").onclick = goOn;
$("stop").onclick = () => worker.postMessage({ ask: "stop" });
$("earlier").onclick = () => choosePlace(place - 1);
$("later").onclick = () => choosePlace(place + 1);
$("text").onclick = ({ target }) => {
  const at = [...$("text").children].indexOf(target);
  if (at > 0) choosePlace(at);
};
$("text").onkeydown = ({ key }) => {
  if (key === "ArrowLeft") choosePlace(place - 1);
  if (key === "ArrowRight") choosePlace(place + 1);
};
for (const id of ["temperature", "top-k", "top-p"]) $(id).addEventListener("input", () => {
  showSettings();
  choosePlace(place);
});

function showSettings() {
  const { temperature, topP } = settings();
  $("temperature-shown").textContent = temperature === 0 ? "0: the likeliest" : temperature;
  $("top-p-shown").textContent = topP === 1 ? "1: off" : topP;
}
