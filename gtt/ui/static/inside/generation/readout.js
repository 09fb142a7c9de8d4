// What is known of one token: its odds, its rank, its surprise beside what was to be expected, and
// what was likelier. `branch(id, text)` is offered for each, where there is one.
function ordinal(n) {
  const tens = n % 100, ones = n % 10;
  return `${whole(n)}${tens > 10 && tens < 14 ? "th" : ["th", "st", "nd", "rd"][ones] || "th"}`;
}

function precise(v) { return v >= 0.001 ? `${(100 * v).toPrecision(3)} %` : v === 0 ? "0 %" : `${v.toExponential(1)}`; }

function compared(token) {
  const more = token.surprise - token.entropy;
  if (token.rank === 1) return more > 0.5 ? "The likeliest token, though the model was not sure." : "The likeliest token, as expected.";
  if (more > 2) return `Far more surprising than was to be expected: ${token.rank - 1} other tokens were likelier.`;
  if (more > 0.5) return "More surprising than was to be expected.";
  return "About as surprising as was to be expected: several tokens were possible here.";
}

function showReadout(box, token, place, count, branch) {
  box.hidden = false;
  box.dataset.place = place;
  const head = made("p", "which");
  head.append("Token ", made("b", "mono", visible(token.text)), ` · ${whole(place + 1)} of ${whole(count)} · number ${token.id}`);
  if (token.surprise === null) {
    box.replaceChildren(head, made("p", "small", "Nothing stands before the first token, so the model gave it no odds."));
    return;
  }
  const figures = made("div", "numbers");
  figures.append(
    figure("Odds", precise(token.odds), "odds"), figure("Rank", ordinal(token.rank), "rank"),
    figure("Surprise", inUnit(token.surprise), "surprise", "surprise", `one right guess in ${oneIn(token.surprise)}`),
    figure("Expected", inUnit(token.entropy), "expected", "entropy", `as between ${oneIn(token.entropy)} tokens`),
  );
  const bars = made("div", "bars short"), listed = token.alternatives.slice();
  if (!listed.some((one) => one.id === token.id)) listed.push({ id: token.id, text: token.text, odds: token.odds });
  for (const one of listed) {
    const row = barRow(), own = one.id === token.id;
    setBar(row, { text: one.text, before: one.odds, after: null, came: own });
    const inert = own || !branch;
    row.disabled = inert;
    if (!inert) { row.title = `Write on with ${quoted(one.text)} instead`; row.onclick = () => branch(one.id, one.text); }
    bars.append(row);
  }
  const hint = branch ? made("p", "small hint", "What was likely here. Choose another token to branch: the text is written anew from it.") : made("p", "small hint", "What was likely here.");
  box.replaceChildren(head, figures, made("p", "small", compared(token)), hint, bars);
}

// `means` says what the number comes to, where it stands.
function figure(name, value, part, concept, means = "") {
  const box = made("div", "figure"), label = made("span", "name", name), shown = made("b", "", value);
  if (concept) label.append(" ", why(concept));
  shown.dataset.figure = part;
  box.append(label, shown);
  if (means) box.append(made("small", "means", means));
  return box;
}

// A row of a bar chart that is a button: the token, its bars, its numbers.
function barRow() {
  const row = made("button", "bar");
  row.type = "button";
  const track = made("span", "track");
  track.append(made("i", "was"), made("i", "is"));
  row.append(made("span", "token mono"), " ", track, made("span", "value"));
  return row;
}

function setBar(row, { text, before, after, came = false, cut = false }) {
  const [token, track, value] = row.children;
  token.textContent = visible(text);
  track.children[0].style.width = `${100 * before}%`;
  track.children[1].style.width = `${100 * (after === null ? before : after)}%`;
  value.textContent = after === null ? percent(before) : `${percent(before)} → ${cut ? "cut" : percent(after)}`;
  row.classList.toggle("cut", cut);
  row.classList.toggle("came", came);
  const what = after === null ? "odds" : "the model’s odds and those after the settings";
  const spoken = `${visible(text)} ${value.textContent}: ${what}`;
  row.setAttribute("aria-label", `${spoken}${came ? ", the token that came" : ""}`);
}
