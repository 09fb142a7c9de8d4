// What the numbers of a head say, in words.
const HABITS = {
  previous_token: { short: "looks at the previous token", bar: "the previous token", does: "looks at the token just before" },
  first_token: { short: "rests on the first token", bar: "the first token", does: "rests on the first token of the text" },
  current_token: { short: "looks at itself", bar: "the token itself", does: "looks at the very token it reads" },
  same_token: { short: "finds the same token", bar: "the same token, earlier", does: "finds earlier places that hold the same token" },
  induction: { short: "induction: what followed last time", bar: "what followed last time (induction)", does: "looks at what followed when this token stood there before" },
  even: { short: "spreads evenly" },
};
const MEASURED = Object.keys(HABITS).filter((name) => name !== "even");
const USE = {
  previous_token: "A later layer can use that to know what stands before what.",
  first_token: "That is where a head looks when it finds nothing to do.",
  current_token: "What it passes on is mostly about that token itself, not about its neighbours.",
  same_token: "It notices that something comes back.",
  induction: "So the model can go on with a pattern that it has met only once, in this very text.",
  even: "It gathers a mean of all that was said so far.",
};
const nameOf = (layer, head) => `${layer}.${head}`;
const quoted = (text) => `“${visible(text)}”`;
const share = (v) => (v === null || v === undefined ? "–" : v >= 0.095 ? v.toFixed(2) : v.toFixed(3));

const times = (value, chance) => {
  const factor = chance > 0 ? value / chance : 0;
  return factor >= 2 ? `, ${factor >= 9.5 ? Math.round(factor) : factor.toFixed(1)} times what even attention would give it (${share(chance)})` : "";
};
const basis = (name, measured) => (name === "induction"
  ? `on ${measured.period} random tokens that were said twice`
  : measured.measured_on === "validation" ? `on stretches of ${measured.tokens} tokens of validation text, which the training has not seen` : `on random tokens, ${measured.tokens} at a time, as its text is no longer here`);

// A sentence or two by which one knows the head.
function headSaid(layer, head, measured) {
  const habits = measured.heads[layer][head], chance = measured.chance, who = `Head ${nameOf(layer, head)}`;
  const back = `It looks back ${habits.distance.toFixed(1)} tokens on average (even attention: ${chance.distance.toFixed(1)}).`;
  if (habits.name === "even") return `${who} spreads its attention evenly over all that it may read, ${percent(habits.evenness)} as evenly as is possible, measured ${basis("even", measured)}. ${USE.even}`;
  if (habits.name) {
    const value = habits[habits.name], first = `${who} ${HABITS[habits.name].does}: ${percent(value)} of its attention goes there${times(value, chance[habits.name])}, measured ${basis(habits.name, measured)}.`;
    const second = MEASURED.filter((name) => name !== habits.name && habits[name] >= 0.15 && habits[name] >= 3 * (chance[name] || 0)).sort((a, b) => habits[b] - habits[a])[0];
    const also = second ? ` A part of it (${percent(habits[second])}${second === "induction" ? `, ${basis(second, measured)}` : ""}) goes to ${HABITS[second].bar}.` : "";
    return `${first}${also} ${USE[habits.name]} ${back}`;
  }
  const found = findsAnswer(layer, head) && onExpected(mapOf(seen, layer, head));
  if (found) return `${who} reads where the task's answer stands: in your text ${percent(found.given)} of its attention goes to the one place that tells what comes next${times(found.given, found.even)}. On other texts no habit of it stands out that strongly. ${back}`;
  const most = MEASURED.filter((name) => habits[name] !== null).sort((a, b) => habits[b] - habits[a])[0];
  const near = Math.round(habits.half_within), even = Math.round(chance.half_within);
  const reach = `Half of its attention stays within the last ${near} tokens (even attention: ${even}).`;
  const place = `None of the five places below gets 40 % of it; the most, ${percent(habits[most])}, goes to ${HABITS[most].bar}.`;
  if (!habits.preferred.length) return `${who} keeps to no place and to no token: it mixes several things. ${place} ${reach} Measured ${basis("even", measured)}.`;
  const where = near <= even / 2 ? `${who} reads mostly what stands nearby. ${reach} There it favours some tokens:` : `${who} keeps to no place, but favours some tokens:`;
  return `${where} ${tokensSaid(habits.preferred)}. ${place}${near <= even / 2 ? "" : ` ${reach}`} Measured ${basis("even", measured)}.`;
}

// A head that does induction and the heads that feed it, as measured by switching each off.
function feedingSaid(layer, head, measured) {
  const own = measured.heads[layer][head], name = nameOf(layer, head), score = share(own.induction);
  const fed = fedBy(layer, head, measured), feeders = own.fed_by || [];
  const sentences = [];
  if (feeders.length) {
    const named = (one) => `${nameOf(one.layer, one.head)} (${backSaid(one, measured)})`;
    const said = feeders.map(named);
    const left = listed(feeders.map((one) => share(one.without)));
    const how = feeders.length > 1 ? "switched off in turn" : "with it switched off";
    sentences.push(`Its induction is fed by ${listed(said)}: ${how}, `
      + `what is left of ${score} is ${left}.`);
  } else if (own.fed_by) {
    sentences.push("No single earlier head is missed when it is switched off: "
      + "several feed its induction.");
  }
  if (fed.length) {
    const each = (one) => `${share(one.score)}, without this head ${share(one.without)}`;
    const said = fed.map((one) => `${one.name} (${each(one)})`);
    sentences.push(`Head ${name} feeds the induction of ${listed(said)}: `
      + "at each place it leaves a note of what stood before, by which they find it.");
  }
  return sentences.join(" ");
}

function listed(parts) {
  const last = parts[parts.length - 1];
  return parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${last}` : last;
}
function backSaid({ layer, head }, measured) {
  return `${percent(measured.heads[layer][head].previous_token)} of its attention on the previous token`;
}

// The induction heads that a head feeds.
function fedBy(layer, head, measured) {
  const named = (row, above) => row.map((one, number) => ({ one, name: nameOf(above, number) }));
  const all = measured.heads.flatMap(named);
  return all.flatMap(({ one, name }) => (one.fed_by || [])
    .filter((feeder) => feeder.layer === layer && feeder.head === head)
    .map(({ without }) => ({ name, without, score: one.induction })));
}

// The tokens that a head prefers, with their shares.
function tokensSaid(preferred) {
  const said = preferred.map((one) => `${quoted(one.text)} gets ${percent(one.share)} of its attention (even attention: ${percent(one.even)})`);
  return said.length > 1 ? `${said.slice(0, -1).join(", ")} and ${said[said.length - 1]}` : said[0];
}

// The few words under a head's picture.
function headBrief(layer, head) {
  const habits = habitsAt(layer, head);
  if (!habits) return "";
  const fed = fedBy(layer, head, currentHabits()).map(({ name }) => name);
  const own = habits.name ? `: ${HABITS[habits.name].short}` : "";
  if (fed.length) return `feeds ${listed(fed)}${own}`;
  if (habits.fed_by && habits.fed_by.length) {
    return `induction, fed by ${listed(habits.fed_by.map((one) => nameOf(one.layer, one.head)))}`;
  }
  if (findsAnswer(layer, head) && habits.name !== "induction") return "reads where the task's answer stands";
  if (habits.name) return HABITS[habits.name].short;
  return habits.preferred.length ? `favours ${habits.preferred.slice(0, 2).map((one) => quoted(one.text)).join(" and ")}` : "no clear habit";
}

// The two largest figures, for whoever rests on a head.
function headFigures(habits) {
  const top = MEASURED.filter((name) => habits[name] !== null).sort((a, b) => habits[b] - habits[a]).slice(0, 2);
  return `${top.map((name) => `${HABITS[name].bar} ${share(habits[name])}`).join(", ")}; ${habits.distance.toFixed(1)} tokens back on average`;
}

// What a chosen pair says.
const pairSaid = (tokens, q, k, words) => `${quoted(tokens[q])} → ${quoted(tokens[k])}: ${words}`;
