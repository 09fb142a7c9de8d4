// The text, the buttons above it, and the odds of what comes next.

let ids = []; // the whole text as tokens
let given = 0; // how many of them the reader of this page gave
let place = 0; // the odds are those of the token at this place; at the end, of the next one
let isWriting = false;
let pressed = null; // the button that began the writing, which gets the focus back

/** Begins with the prompt and writes. */
async function begin() {
  const text = $("prompt").value;
  if (text === "") { say("Give at least one character to begin with.", true); return; }
  setWriting(true);
  say("Reading…");
  try {
    const prompt = await ask("encode", { text });
    clearText();
    addTokens(prompt.ids, prompt.pieces, true);
  } catch (error) {
    say(error.message, true);
    setWriting(false);
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
      addTokens([token], [piece], false);
    });
    await showWhole();
    const tokens = done.ids.length, speed = Math.round(tokens / done.seconds);
    const unit = tokens === 1 ? "token" : "tokens";
    say(`Wrote ${tokens} ${unit}, ${speed.toLocaleString("en")} a second.`);
  } catch (error) {
    say(error.message, true);
  }
  setWriting(false);
  await choosePlace(ids.length);
  await showAttention();
}

/** Whoever pressed a button by key is at *Stop* while it writes, and at that button afterwards. */
function setWriting(now) {
  const focused = document.activeElement;
  isWriting = now;
  $("stop").disabled = false;
  if (now && ["write", "on"].includes(focused.id)) {
    pressed = focused;
    $("stop").focus();
  }
  $("write").disabled = now;
  $("on").disabled = now || !ids.length;
  if (!now && focused === $("stop")) (pressed && !pressed.disabled ? pressed : $("write")).focus();
  $("stop").disabled = !now;
}

function clearText() {
  ids = [];
  given = 0;
  $("text").replaceChildren();
}

function addTokens(more, pieces, isGiven) {
  const spans = pieces.map((piece) => {
    const span = document.createElement("span");
    span.textContent = piece;
    if (isGiven) span.className = "given";
    return span;
  });
  ids = ids.concat(more);
  if (isGiven) given += more.length;
  $("text").append(...spans);
  scrollDown();
}

let scrolls = false;

/** Once for each picture that is shown: where the end is costs a layout of the whole text. */
function scrollDown() {
  if (scrolls) return;
  scrolls = true;
  requestAnimationFrame(() => {
    scrolls = false;
    $("text").scrollTop = $("text").scrollHeight;
  });
}

/** A token that was half a character when it was written gets what the text grew by with it. */
async function showWhole() {
  const spans = [...$("text").children];
  if (!spans.some((span) => span.textContent.includes("\ufffd"))) return;
  const pieces = await ask("pieces", { ids });
  spans.forEach((span, i) => {
    if (span.textContent !== pieces[i]) span.textContent = pieces[i];
  });
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
  addTokens([token], [piece], false);
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
// What is used stands in the field, also where something beyond its limits was typed.
const NAMES = { "top-k": "topK", count: "count", seed: "seed" };
for (const [id, name] of Object.entries(NAMES)) $(id).addEventListener("change", () => {
  if ($(id).value !== "") $(id).value = settings()[name];
});

function showSettings() {
  const { temperature, topP } = settings();
  $("temperature-shown").textContent = temperature === 0 ? "0: the likeliest" : temperature;
  $("top-p-shown").textContent = topP === 1 ? "1: off" : topP;
}
