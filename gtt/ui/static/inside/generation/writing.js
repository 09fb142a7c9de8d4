// Generate, stop, continue, branch. What stands stays until the first piece of the new is there.
function started() {
  $("generate").disabled = true; $("stop").disabled = false; $("continue").disabled = true;
  $("drawn").textContent = "Writing …";
  delete $("drawn").dataset.firstTokenMs; delete $("drawn").dataset.tokensPerSecond;
  $("texts").setAttribute("aria-busy", "true");
  say("");
  packs.clear(); // the best checkpoint of a run that goes on may be another by now
  showList();
}

function ended() {
  wire = null;
  $("generate").disabled = false; $("stop").disabled = true;
  $("texts").removeAttribute("aria-busy");
  if ($("drawn").textContent === "Writing …") showFigures();
  showList();
  textChanged();
}

// `from` is {prompt} or {prompt_ids}; `prompt` the text that a person gave, `already` what was written
// after it before.
async function write(from, prompt, more, already = "") {
  if (isWriting()) return;
  if (from.prompt === "") { say("The prompt is empty: write at least one character to go on from."); $("prompt").focus(); return; }
  const known = from.prompt && refused.get(nameOf({ text: from.prompt }));
  if (known) { say(known); return; } // it has been asked already
  const asked = drawing(), drawn = isDrawn();
  if (from.prompt_ids) asked.samples = 1;
  const by = picker.info ? `${picker.info.name}, step ${whole(picker.step || 0)}` : "";
  const of = picker.chosen, began = performance.now(), counted = { first: null, tokens: 0, last: null };
  let samples = null, frame = 0, fault = "";
  const paint = () => { frame = 0; samples.forEach((sample, number) => { if (!sample.reading) refresh(sample, number); }); follow(); };
  const take = (part) => {
    if (!samples) {
      samples = part.samples.map((one, number) => ({ prompt, text: already, ids: [], start: 0, branch: null, reading: null, copies: null, of, seed: drawn ? (asked.seed + number) % 2 ** 32 : null, ...more }));
      addTexts(samples);
    }
    if (counted.first === null && part.samples.some((one) => one.text)) counted.first = performance.now() - began;
    part.samples.forEach((one, number) => {
      const sample = samples[number];
      sample.text = already + one.text;
      if (!one.ids.length || sample.ids.length) return;
      sample.ids = one.ids;
      sample.start = one.ids.length - (part.tokens - counted.tokens);
      if (part.samples.length === 1) settle(sample, part.prompt + one.text, part.prompt);
      if (more.wrote !== undefined) sample.start = more.wrote;
      counted.tokens = part.tokens;
    });
    counted.last = part;
    if (!frame) frame = requestAnimationFrame(paint);
  };
  const request = stream({ ...of, ...from, ...asked }, take); // sets `wire` at once
  started();
  try { await request; } catch (error) {
    if (error.name !== "AbortError") fault = error instanceof Refusal ? error.message : "The connection is lost; what was written stays.";
  }
  if (frame) { cancelAnimationFrame(frame); paint(); }
  const seconds = (performance.now() - began) / 1000;
  ended();
  if (fault) say(fault);
  if (!samples) return;
  const entry = standing();
  const isWhole = samples.every((one) => one.ids.length), before = from.prompt_ids ? from.prompt_ids.length : null;
  entry.figures = { by, ...counted, whole: isWhole, before, seed: drawn ? asked.seed : null, seconds, how: MODES[mode].name };
  showFigures();
  for (const sample of samples) if (!(await readSample(sample))) break;
  if (entry !== standing() || isWriting()) return;
  showFigures();
  textChanged();
  if (panes.every((one) => one.tokens.at === null)) lookAtEnd();
}

// The text of a branch is put together from tokens until the server says it as a whole.
function settle(sample, all, given) {
  if (!all.startsWith(sample.prompt)) sample.prompt = given;
  sample.text = all.slice(sample.prompt.length);
}

// Keeps the end in sight while text grows, for who has not scrolled up.
function follow() {
  for (const { tokens: { box } } of panes) if (box.scrollHeight - box.scrollTop - box.clientHeight < 80) box.scrollTop = box.scrollHeight;
}

function generate() {
  const prompt = $("prompt").value;
  return write({ prompt }, prompt, {});
}

function goOn() {
  const sample = chosenText();
  if (!sample || !sample.ids.length) return;
  write({ prompt_ids: sample.ids }, sample.prompt, { wrote: sample.start, why: "continued" }, sample.text);
}

// Anew from the tokens up to a place, and a token of one's own choice after them.
function branchWith(before, id, text) {
  const sample = chosenText();
  if (focus.kind !== "prompt" && sample && isStrange(sample)) {
    say("This text was written by another run: choose that run above to write on from its tokens.");
    return;
  }
  const own = sample && sample.reading && !sample.skipped && before.every((one, i) => one === sample.ids[i]);
  const more = { branch: before.length, wrote: before.length, why: `branched with ${quoted(text)}` };
  if (!own) return write({ prompt_ids: [...before, id] }, $("prompt").value, more, text);
  const pieces = sample.reading.tokens.slice(0, before.length).map((one) => one.text);
  if (before.length < sample.start) return write({ prompt_ids: [...before, id] }, pieces.join(""), more, text);
  more.wrote = sample.start;
  return write({ prompt_ids: [...before, id] }, sample.prompt, more, pieces.slice(sample.start).join("") + text);
}

function showFigures() {
  const entry = standing(), place = $("drawn"), told = entry && entry.figures;
  if (!told) { place.textContent = ""; return; }
  const samples = entry.samples;
  const tokens = told.whole ? told.tokens : samples.reduce((sum, one) => sum + Math.max(0, one.ids.length - (told.before ?? one.start)), 0);
  const rate = told.whole ? told.last.tokens_per_second : tokens / told.seconds;
  const words = told.whole ? [] : ["stopped"];
  if (tokens) words.push(`${whole(tokens)} tokens`, `${whole(rate)} a second`);
  if (told.first !== null) words.push(`first after ${whole(told.first)} ms`);
  words.push(told.seed === null ? `${told.how === "Sampling" ? "greedy" : told.how.toLowerCase()}, no seed` : `seed ${told.seed}`);
  if (told.by) words.push(`by ${told.by}`);
  place.textContent = words.join(" · ");
  if (told.first !== null) place.dataset.firstTokenMs = told.first.toFixed(1);
  if (tokens) place.dataset.tokensPerSecond = rate.toFixed(1);
  if (told.seed !== null) {
    const keep = made("button", "link", "keep this seed");
    keep.type = "button";
    keep.onclick = () => { setField("seed", told.seed); keep.textContent = "kept"; };
    place.append(" ", keep);
  }
}
