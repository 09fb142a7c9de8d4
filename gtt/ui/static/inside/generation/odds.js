// The next token, opened up. All logits come once for a place; what the settings make of them is
// computed here, as `gtt/model/sampling.py` does it, so that the bars follow a slider at once.
const ROWS = 15, MOST_PACKS = 40;
const packs = new Map(); // {logits, ids, texts, cut} by run, checkpoint and what was read
const refused = new Map(); // sentences, of what cannot be read
const f32 = Math.fround;

function softmax(logits) {
  let most = -Infinity, sum = 0;
  for (const v of logits) if (v > most) most = v;
  const odds = Float64Array.from(logits, (v) => Math.exp(v - most));
  for (const v of odds) sum += v;
  return odds.map((v) => v / sum);
}

// `seen` are the ids that stand in the text.
function penalised(logits, seen, penalty) {
  if (penalty === 1) return logits;
  const given = Float32Array.from(logits);
  for (const id of new Set(seen)) given[id] = logits[id] > 0 ? f32(logits[id] / penalty) : f32(logits[id] * penalty);
  return given;
}

const descending = (values) => values.slice().sort().reverse(); // typed arrays sort by number

// Odds after temperature, then top-k, then top-p; `left` counts those that were not cut.
function shaped(logits, seen, { temperature, top_k, top_p, repetition_penalty }) {
  const given = penalised(logits, seen, repetition_penalty), size = given.length;
  let most = -Infinity, first = 0;
  given.forEach((v, id) => { if (v > most) { most = v; first = id; } });
  if (temperature === 0) {
    const odds = new Float64Array(size);
    odds[first] = 1;
    return { odds, kept: odds.map((v) => v), left: 1 };
  }
  const by = f32(Math.max(temperature, 1e-30));
  const scaled = Float32Array.from(given, (v) => f32(f32(v - most) / by));
  const kept = new Float64Array(size).fill(1);
  if (top_k > 0 && top_k < size) {
    const smallest = descending(scaled)[top_k - 1];
    scaled.forEach((v, id) => { if (v < smallest) { scaled[id] = -Infinity; kept[id] = 0; } });
  }
  let odds = softmax(scaled);
  if (top_p < 1) nucleus(odds, kept, top_p);
  let left = 0, sum = 0;
  kept.forEach((v, id) => { left += v; sum += v * odds[id]; });
  if (top_p < 1) odds = odds.map((v, id) => (kept[id] ? v / sum : 0));
  return { odds, kept, left };
}

// Cuts every token before which, in order of odds, those that are likelier already reach p.
function nucleus(odds, kept, p) {
  const ranked = descending(Float32Array.from(odds));
  let count = 1, sum = ranked[0];
  while (count < ranked.length) {
    sum += ranked[count];
    if (f32(f32(sum) - ranked[count]) >= f32(p)) break;
    count += 1;
  }
  const least = ranked[count - 1];
  let ties = 0;
  for (let i = count - 1; i >= 0 && ranked[i] === least; i -= 1) ties += 1;
  odds.forEach((v, id) => {
    const own = f32(v);
    if (own > least || (own === least && ties > 0)) { if (own === least) ties -= 1; } else kept[id] = 0;
  });
}

function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

const nameOf = (asked) => JSON.stringify([picker.chosen, asked]);

// The logits after a text or after ids, asked for once; null, with the sentence, where that fails.
// Ids are those of one run: `of` names it, else it is the one that is chosen.
async function packOf(asked) {
  const name = nameOf(asked), { of = picker.chosen, ...read } = asked;
  if (packs.has(name)) return packs.get(name);
  const answer = await inquire("next", { ...of, ...read, packed: true, count: 200 });
  if (answer.error) {
    if (answer.error.code === "invalid_input") refused.set(name, answer.error.message);
    return answer;
  }
  const pack = { logits: unpacked(answer.logits), ids: answer.ids, cut: answer.cut, context: answer.context_tokens, entropy: answer.entropy, texts: new Map(answer.tokens.map((one) => [one.id, one.text])) };
  pack.before = softmax(pack.logits);
  pack.top = answer.tokens.slice(0, ROWS).map((one) => one.id);
  packs.set(name, pack);
  if (look.most !== Math.log(pack.logits.length)) { look.most = Math.log(pack.logits.length); drawLegend(); }
  if (packs.size > MOST_PACKS) packs.delete(packs.keys().next().value);
  return pack;
}

// What the bars are of; `refusal` says why there are none.
const focus = { kind: "prompt", pack: null, token: null, turn: 0, refusal: "" };
const bars = Array.from({ length: ROWS + 1 }, barRow);
bars[ROWS].hidden = true; // for a token that is not among the likeliest
let waitsForOdds = 0;

// Looks at a place: `kind` is prompt, end or token, `asked` what the model reads before it.
function lookAt(kind, asked, { token = null, wait = 0 } = {}) {
  focus.kind = kind; focus.token = token;
  const turn = (focus.turn += 1);
  clearTimeout(waitsForOdds);
  drawWhere();
  waitsForOdds = setTimeout(async () => {
    const pack = asked ? await packOf(asked) : null;
    if (turn !== focus.turn) return;
    focus.pack = pack && !pack.error ? pack : null;
    focus.refusal = pack && pack.error ? pack.error.message : "";
    drawOdds();
  }, wait);
}

function drawOdds() {
  const { pack, refusal } = focus;
  $("bars").classList.toggle("waits", !pack);
  $("left").textContent = "";
  $("odds-said").textContent = "";
  if (!pack) {
    const nothing = focus.kind === "token" ? "Nothing stands before the first token."
      : picker.lack || (picker.run ? "Write a prompt to see what the model holds likely after it." : "The likeliest next tokens stand here as soon as there is a model.");
    $("odds-said").textContent = refusal || nothing;
    return;
  }
  const began = performance.now(), { odds, kept, left } = shaped(pack.logits, pack.ids, shaping());
  const ids = pack.top.slice(), own = focus.token;
  if (own && !ids.includes(own.id)) ids.push(own.id);
  bars.forEach((row, i) => {
    row.hidden = i >= Math.max(ROWS, ids.length);
    row.classList.toggle("blank", i >= ids.length);
    if (i >= ids.length) return;
    const id = ids[i], text = own && id === own.id ? own.text : pack.texts.get(id);
    setBar(row, { text, before: pack.before[id], after: odds[id], came: Boolean(own && id === own.id), cut: kept[id] === 0 });
    row.dataset.id = id; row.dataset.before = pack.before[id]; row.dataset.after = odds[id];
    row.title = `Write on with ${quoted(text)}`;
    row.onclick = () => branchWith(pack.ids, id, text);
  });
  const cut = pack.cut ? ` The model reads the last ${whole(pack.context)} tokens, one block; the ${whole(pack.cut)} before them were cut.` : "";
  $("left").textContent = `${whole(left)} of ${whole(pack.logits.length)} tokens left to draw from. Entropy of the model’s odds: ${inUnit(pack.entropy)}, as unsure as between ${oneIn(pack.entropy)} equally likely tokens. Choose a token to write on with it.${cut}`;
  $("bars").dataset.milliseconds = (performance.now() - began).toFixed(2);
}
