// The texts on the page: one or several side by side, and those before them, to go back to. A text
// is {prompt, text, ids, start, seed, branch, reading, copies}; `start` counts tokens of the prompt.
const MOST_TEXTS = 20, MOST_READ = 4096; // tokens that are read at once
const texts = []; // {samples, chosen, said}
let now = -1, panes = [];

const standing = () => texts[now] || null;
const chosenText = () => (standing() ? standing().samples[standing().chosen] : null);

function addTexts(samples) {
  texts.push({ samples, chosen: 0, figures: null });
  if (texts.length > MOST_TEXTS) texts.shift();
  now = texts.length - 1;
  layOut();
}

// A pane for each text, with what stands in it.
function layOut() {
  const entry = standing();
  if (!entry) return;
  panes = entry.samples.map((sample, number) => pane(entry, sample, number));
  $("texts").replaceChildren(...panes.map((one) => one.box));
  $("texts").classList.toggle("several", panes.length > 1);
  entry.samples.forEach((sample, number) => refresh(sample, number));
  closeReadout();
  showList();
}

function pane(entry, sample, number) {
  const box = made("div", "pane"), many = entry.samples.length > 1;
  const tokens = new TokenText(many ? `Sample ${number + 1}` : "The text", (place) => { choose(number); inspect(place); });
  if (many) {
    const head = made("button", "head");
    head.type = "button";
    head.setAttribute("aria-pressed", String(number === entry.chosen));
    head.append(`Sample ${number + 1}`, made("small", "", ""));
    head.onclick = () => { choose(number); lookAtEnd(); };
    box.append(head);
  }
  box.append(tokens.box);
  return { box, tokens, head: many ? box.firstChild : null };
}

// Draws one text anew: plain while it grows or is not read, else as tokens.
function refresh(sample, number) {
  const one = panes[number];
  if (!one) return;
  if (one.head) one.head.lastChild.textContent = sample.seed === null ? "" : `seed ${sample.seed}`;
  if (!sample.reading) { one.tokens.grow(sample.prompt + sample.text); return; }
  const skipped = sample.skipped || 0;
  one.tokens.show(sample.reading.tokens, sample.start - skipped, sample.branch === null ? null : sample.branch - skipped);
  markCopies(sample, one.tokens);
}

function choose(number) {
  const entry = standing();
  if (entry.chosen === number) return;
  entry.chosen = number;
  panes.forEach((one, i) => { if (one.head) one.head.setAttribute("aria-pressed", String(i === number)); if (i !== number) one.tokens.leave(); });
  closeReadout();
  textChanged();
}

// Reads a text token by token; it stays plain where that is refused.
async function readSample(sample) {
  const entry = standing();
  const skipped = Math.max(0, sample.ids.length - MOST_READ);
  const asked = sample.ids.length ? { ids: sample.ids.slice(skipped) } : { text: sample.prompt + sample.text };
  const answer = await inquire("read", { ...sample.of, ...asked, alternatives: 8 });
  if (answer.error) { say(answer.error.message); return false; }
  sample.reading = answer; sample.skipped = skipped;
  if (!sample.ids.length) { // stopped: the text that stands is cut into tokens anew
    sample.ids = answer.tokens.map((one) => one.id);
    sample.start = promptTokens(answer.tokens, sample.prompt);
  }
  const number = entry.samples.indexOf(sample);
  if (entry === standing() && panes[number]) refresh(sample, number);
  return true;
}

// How many tokens the prompt covers, by its length.
function promptTokens(tokens, prompt) {
  let length = 0, count = 0;
  while (count < tokens.length && length + tokens[count].text.length <= prompt.length) { length += tokens[count].text.length; count += 1; }
  return count;
}

// Without a token that is looked at, a word on how to look at one.
function closeReadout() {
  const sample = chosenText();
  $("readout").hidden = true;
  $("try").hidden = !(sample && sample.reading);
}

function inspect(place) {
  const sample = chosenText(), token = sample.reading.tokens[place], at = place + (sample.skipped || 0);
  const before = sample.ids.slice(0, at);
  $("try").hidden = true;
  showReadout($("readout"), token, at, sample.ids.length, (id, text) => branchWith(before, id, text));
  lookAt("token", before.length ? { ids: before, of: sample.of } : null, { token: { id: token.id, text: token.text, place: at }, wait: 120 });
  lensChanged();
}

function goTo(number) {
  if (number < 0 || number >= texts.length || isWriting()) return;
  now = number;
  layOut();
  showFigures();
  textChanged();
  lookAtEnd();
}

function showList() {
  $("back").disabled = isWriting() || now <= 0;
  $("forth").disabled = isWriting() || now >= texts.length - 1;
  $("earlier").hidden = texts.length < 2;
  $("list").replaceChildren(...texts.map((entry, number) => {
    const item = made("li"), button = made("button"), first = entry.samples[0];
    const all = first.prompt + first.text, start = all.length > 60 ? `${all.slice(0, 24)} … ${all.slice(-32)}` : all;
    button.type = "button";
    button.append(made("span", "", start.replace(/\s+/g, " ")), made("small", "", ` ${entry.samples.length > 1 ? `${entry.samples.length} samples` : `${whole(first.ids.length)} tokens`}${first.why ? `, ${first.why}` : ""}`));
    if (number === now) button.setAttribute("aria-current", "true");
    button.disabled = isWriting();
    button.onclick = () => goTo(number);
    item.append(button);
    return item;
  }));
}
