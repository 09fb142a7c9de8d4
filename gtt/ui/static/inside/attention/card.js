// What the chosen head does by habit: a sentence, and the figures that it is made of.
let habits = null, habitsOf = "";
const currentHabits = () => habits;
const habitsAt = (layer, head) => (habits && habits.heads[layer] && habits.heads[layer][head]) || null;

// Asked once for each checkpoint; the maps are there before.
async function loadHabits(isNew) {
  const wanted = `${seen.run_id} ${seen.chosen.checkpoint} ${picker.steps}`;
  if (habitsOf === wanted && habits) return;
  if (isNew) { habits = null; markGrid(); drawCard(); }
  const answer = await ask("habits", seen.chosen, true);
  if (!answer || !seen) { if (seen) $("card-said").textContent = "The habits of this head could not be measured."; return; }
  habits = answer;
  habitsOf = wanted;
  if (!chosenByHand) chooseTelling();
  markGrid();
  drawChosen();
}

// Where nobody has chosen yet, the head with the clearest habit of those that say most.
function chooseTelling() {
  const all = habits.heads.flatMap((row, layer) => row.map((one, head) => ({ layer, head, one })));
  const telling = ["induction", "previous_token", "same_token", "current_token", "first_token"];
  const named = all.filter(({ one }) => telling.includes(one.name)), answering = all.filter(({ layer, head }) => findsAnswer(layer, head));
  if (answering.length) { const [{ layer, head }] = answering.sort((a, b) => answerShare(b) - answerShare(a)); chosen = { layer, head }; return; }
  if (!named.length) {
    const liking = all.filter(({ one }) => one.preferred.length).sort((a, b) => b.one.preferred[0].share - a.one.preferred[0].share);
    if (liking.length) chosen = { layer: liking[0].layer, head: liking[0].head };
    return;
  }
  named.sort((a, b) => telling.indexOf(a.one.name) - telling.indexOf(b.one.name) || b.one[b.one.name] - a.one[a.one.name]);
  chosen = { layer: named[0].layer, head: named[0].head };
}

const answerShare = ({ layer, head }) => onExpected(mapOf(seen, layer, head)).given;

function drawCard() {
  const { layer, head } = chosen, one = habitsAt(layer, head), name = nameOf(layer, head), isOff = off.has(name);
  $("card-title").textContent = one ? `Head ${name}: ${headBrief(layer, head)}` : `What head ${name} does`;
  $("card-said").textContent = one ? headSaid(layer, head, habits) : "Measuring what each head does…";
  $("off").textContent = isOff ? `Switch head ${name} on again` : `Switch head ${name} off`;
  $("off").setAttribute("aria-pressed", String(isOff));
  const map = mapOf(seen, layer, head), strong = strongestOf(map), found = findsAnswer(layer, head) ? null : onExpected(map);
  const answer = found ? `In your text ${percent(found.given)} of its attention goes where the task's answer stands (even attention: ${percent(found.even)}). ` : "";
  $("here").textContent = seen.n > 1 ? `${answer}Strongest in your text: ${pairSaid(seen.tokens, strong.q, strong.k, share(strong.value))}.` : "";
  $("feeding").textContent = one ? feedingSaid(layer, head, habits) : "";
  drawBars(one);
  $("summary").textContent = `${one ? headSaid(layer, head, habits) : `Head ${name}.`} ${$("feeding").textContent} ${$("here").textContent}`;
}

// Where no head has a place of its own there is a recipe that grows one.
const POINTER = " No head of this model keeps to one place. The recipe Induction grows heads that do, and that one can watch form.";
const isAnyNamed = () => habits.heads.some((row) => row.some((one) => one.name && one.name !== "even"));

function drawBars(one) {
  const rows = one ? MEASURED.map((name) => ({ name, value: one[name], chance: habits.chance[name] })) : [];
  const bars = d3.select($("bars")).selectAll(".bar-row").data(rows, (row) => row.name).join((enter) => {
    const row = enter.append("div").attr("class", "bar-row");
    row.append("span").attr("class", "what");
    const track = row.append("span").attr("class", "track");
    track.append("i"); track.append("em");
    row.append("span").attr("class", "figure");
    return row;
  });
  bars.attr("title", (row) => (row.value === null ? "Not measured" : `${share(row.value)}; even attention would give ${share(row.chance)}`));
  bars.classed("named", (row) => one && row.name === one.name);
  bars.select(".what").text((row) => HABITS[row.name].bar);
  bars.select("i").style("width", (row) => `${100 * (row.value || 0)}%`);
  bars.select("em").style("left", (row) => `${100 * (row.chance || 0)}%`).style("display", (row) => (row.chance === null || row.chance === undefined ? "none" : ""));
  bars.select(".figure").text((row) => share(row.value));
  const chance = habits && habits.chance;
  $("bars-told").textContent = one ? `Share of its attention; the upright mark is what even attention would give. The rest goes to other places. It looks ${one.distance.toFixed(1)} tokens back on average (even: ${chance.distance.toFixed(1)}). Entropy ${one.entropy.toFixed(2)} nats (even: ${chance.entropy.toFixed(2)}): as if it looked at ${Math.exp(one.entropy).toFixed(1)} tokens at a time.${isAnyNamed() ? "" : POINTER}` : "";
}
