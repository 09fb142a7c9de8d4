// Is it copying? Runs of words that the training part has too, marked and listed; of characters where
// a text does not separate its words.
const NOTABLE = 0.03; // of the share of novel 8-grams, less than that of validation text
const REPEATING = 0.5; // a source of which less than this is novel repeats itself
const utf8 = new TextEncoder();

async function findCopies() {
  const sample = chosenText();
  $("copies").replaceChildren(); $("novelty").replaceChildren();
  if (!sample || isWriting()) { $("copy-said").textContent = sample ? "The text is still being written." : "Generate a text first."; return; }
  if (!sample.text.trim()) { $("copy-said").textContent = "Nothing was written after the prompt."; return; }
  if (!sample.copies) {
    $("copy-said").textContent = "Looking through the training part …";
    $("copy").disabled = true;
    const answer = await inquire("copies", { ...sample.of, text: sample.text });
    $("copy").disabled = false;
    if (answer.error) { $("copy-said").textContent = answer.error.message; return; }
    sample.copies = answer;
  }
  if (sample !== chosenText()) return copyChanged();
  showCopies(sample);
}

function showCopies(sample) {
  const found = sample.copies, number = standing().samples.indexOf(sample);
  if (panes[number]) markCopies(sample, panes[number].tokens);
  const wording = found.unit === "words" ? "word for word" : "character for character";
  const counting = found.unit === "words" ? "" : " This text does not separate its words, so characters are counted.";
  const none = found.words < found.shortest ? `The text has ${found.words} ${found.unit}, too few to look for ${found.shortest} in a row.` : `No ${found.shortest} ${found.unit} in a row stand there ${wording}.`;
  const longest = (found.runs.length ? `Its longest run that stands there ${wording} has ${found.runs[0].words} ${found.unit}.` : none) + counting;
  $("copy-said").textContent = `${longest} ${verdict(found)}${found.whole ? "" : " Only a part of the training text could be looked through in time."}`;
  $("novelty").replaceChildren();
  if (found.novel !== null) $("novelty").append(share("This text", found.novel), ...(found.novel_in_validation === null ? [] : [share("Validation text", found.novel_in_validation)]));
  $("copies").replaceChildren(...found.runs.slice(0, 30).map((run) => {
    const item = made("li");
    item.append(made("small", "", `${run.words} ${found.unit} `), made("span", "around", `… ${run.before} `), made("mark", "", run.same), made("span", "around", ` ${run.after} …`));
    return item;
  }));
}

function verdict(found) {
  if (found.novel === null) return `The text is shorter than ${found.gram} ${found.unit}, too short to say more.`;
  const rough = found.words < 60 ? " The text is short, so take it as a rough figure." : "";
  const other = found.novel_in_validation;
  if (other === null) return `${percent(found.novel)} of its runs of ${found.gram} ${found.unit} are new.${rough}`;
  if (other < REPEATING) return `Of its runs of ${found.gram} ${found.unit} ${percent(found.novel)} are new, but so are only ${percent(other)} of those in validation text, which no model wrote: this source repeats itself so much that recital cannot be told from knowing it.${rough}`;
  if (found.novel < other - NOTABLE) return `Of its runs of ${found.gram} ${found.unit} ${percent(found.novel)} are new, fewer than the ${percent(other)} of validation text, which no model wrote: part of this text is recited.${rough}`;
  return `Of its runs of ${found.gram} ${found.unit} ${percent(found.novel)} are new, and ${percent(other)} of those in validation text, which no model wrote: it repeats the training part no more than the language itself does.${rough}`;
}

function share(name, value) {
  const row = made("div", "share"), track = made("span", "track"), bar = made("i", "is");
  bar.style.width = `${100 * value}%`;
  track.append(bar);
  row.append(made("span", "", name), track, made("span", "value", `${percent(value)} new`));
  return row;
}

// Marks the tokens that lie in a run. Places are counted in bytes: a token may be part of a character.
function markCopies(sample, tokens) {
  if (!sample.copies || !sample.reading || !tokens.spans.length) return;
  const sizes = sample.reading.tokens.map((one) => one.text.split(/(\\x[0-9a-f]{2})/).reduce((sum, piece) => sum + (/^\\x[0-9a-f]{2}$/.test(piece) ? 1 : utf8.encode(piece).length), 0));
  const length = (text) => utf8.encode(text).length, characters = Array.from(sample.text);
  const skipped = sample.skipped ? length(sample.prompt + sample.text) - sizes.reduce((a, b) => a + b, 0) : 0;
  const begin = length(sample.prompt) - skipped, bytes = (until) => length(characters.slice(0, until).join(""));
  const places = new Set();
  for (const run of sample.copies.runs) {
    const low = begin + bytes(run.start), high = begin + bytes(run.end);
    let at = 0;
    sizes.forEach((size, place) => { if (at < high && at + size > low) places.add(place); at += size; });
  }
  tokens.mark(places);
}

function copyChanged() {
  const sample = chosenText();
  if (sample && sample.copies) showCopies(sample);
  else { $("copies").replaceChildren(); $("novelty").replaceChildren(); $("copy-said").textContent = ""; if ($("copy-part").open && sample && sample.ids.length) findCopies(); }
}
