// How the chosen head came to be: its habits over the steps of the training, and its attention at
// one of them. Follows a run that goes on.
const LINES = [["previous_token", "#0b5a94", "#6cb8f0", ""], ["first_token", "#c44900", "#ffa05c", "6 3"], ["current_token", "#1a7f4b", "#58c98b", "2 3"], ["same_token", "#7a3e9d", "#cf9bf0", "8 3 2 3"], ["induction", "#a3194b", "#ff85ad", ""]];
const HIGH = 230, EDGE = { top: 12, right: 14, bottom: 26, left: 34 }, MOMENT_TOKENS = 32;
let past = null, pastOf = null, pastSteps = 0, atStep = null, moments = new Map(), momentView = null, following = true;
let pinned = null, changedView = null; // the step that others are compared with

async function loadHistory(run) {
  if (!run) { past = null; $("time").hidden = true; return; }
  if (pastOf !== run) { past = null; pastOf = run; pastSteps = 0; moments = new Map(); atStep = null; following = true; pinned = null; $("time").classList.add("waits"); }
  const answer = await ask("history", { run_id: run }, true);
  if (picker.run !== run) return;
  if (!answer || !answer.steps.some((one) => one.heads.some((row) => row.length))) {
    if (!past && !picker.isActive) $("time").hidden = true;
    return;
  }
  past = answer.steps;
  const last = past[past.length - 1].step;
  if (atStep === null || following) atStep = last;
  arrived("time");
  drawHistory();
}

// New snapshots of a run that goes on.
async function followHistory(run) {
  const answer = await ask("newest", { run_id: run, step: 1e8, tokens: 1 }, true);
  if (!answer || picker.run !== run || answer.steps.length === pastSteps) return;
  pastSteps = answer.steps.length;
  await loadHistory(run);
}

function goToStep(step, isByHand = true) {
  if (!past) return;
  const steps = past.map((one) => one.step);
  atStep = steps.filter((one) => one <= step).pop();
  if (atStep === undefined) [atStep] = steps;
  if (isByHand) following = atStep === steps[steps.length - 1];
  drawHistory();
}

const headThen = (one) => (one.heads[chosen.layer] || [])[chosen.head];

function drawHistory() {
  if (!past) return;
  const last = past.length - 1, at = Math.max(0, past.findIndex((one) => one.step === atStep)), slider = $("step");
  slider.max = last;
  slider.value = at;
  slider.setAttribute("aria-valuetext", `step ${past[at].step}`);
  $("step-told").textContent = past[at].step.toLocaleString("en");
  const wide = widthOfHistory();
  $("history").setAttribute("viewBox", `0 0 ${wide} ${HIGH}`);
  // A place for each snapshot: they lie close where a model learns fast, and the slider goes from one to the next.
  const steps = past.map((one) => one.step), x = d3.scalePoint().align(0).domain(steps).range([EDGE.left, wide - EDGE.right]);
  const room = Math.max(1, Math.ceil(steps.length / Math.max(3, Math.floor(wide / 70)))), marked = steps.filter((_, i) => (last - i) % room === 0);
  const y = d3.scaleLinear().domain([0, 1]).range([HIGH - EDGE.bottom, EDGE.top]);
  const svg = d3.select($("history")), lines = LINES.map(([name, light, dark, dash]) => ({ name, dash, colour: isDark() ? dark : light, points: past.map((one) => ({ step: one.step, head: headThen(one) })).filter(({ head }) => head && head[name] !== null).map(({ step, head }) => [step, head[name]]) })).filter((line) => line.points.length);
  if (svg.select(".axis-x").empty()) for (const name of ["axis-x", "axis-y", "now", "lines", "dots"]) svg.append("g").attr("class", name);
  svg.select(".axis-x").attr("transform", `translate(0,${HIGH - EDGE.bottom})`).call(d3.axisBottom(x).tickValues(marked).tickFormat((step) => step.toLocaleString("en")));
  svg.select(".axis-y").attr("transform", `translate(${EDGE.left},0)`).call(d3.axisLeft(y).ticks(5));
  svg.select(".now").selectAll("line").data([atStep]).join("line").attr("x1", x(atStep)).attr("x2", x(atStep)).attr("y1", y(1)).attr("y2", y(0));
  svg.select(".lines").selectAll("path").data(lines, (line) => line.name).join("path").attr("fill", "none").attr("stroke-width", 2.2).attr("stroke", (line) => line.colour).attr("stroke-dasharray", (line) => line.dash).attr("d", (line) => d3.line().x((p) => x(p[0])).y((p) => y(p[1]))(line.points));
  svg.select(".dots").selectAll("circle").data(lines.map((line) => ({ ...line, point: line.points.filter((p) => p[0] <= atStep).pop() })).filter((line) => line.point), (line) => line.name).join("circle").attr("r", 4.5).attr("fill", (line) => line.colour).attr("cx", (line) => x(line.point[0])).attr("cy", (line) => y(line.point[1]));
  nameLines(lines);
  const now = headThen(past[at]);
  $("history-told").textContent = now ? `Step ${past[at].step.toLocaleString("en")}, head ${nameOf(chosen.layer, chosen.head)}: ${lines.map((line) => `${HABITS[line.name].bar} ${share(now[line.name])}`).join(", ")}. Measured on one short text, so rougher than on the card.` : "";
  svg.attr("aria-label", `Habits of head ${nameOf(chosen.layer, chosen.head)} over the steps of the training. ${$("history-told").textContent}`);
  drawMomentMap();
}

const widthOfHistory = () => Math.max(260, $("history").clientWidth || 600);

function nameLines(lines) {
  const names = d3.select($("history-names")).selectAll("span").data(lines, (line) => line.name).join((enter) => {
    const one = enter.append("span");
    one.append("svg").attr("viewBox", "0 0 26 6").append("line").attr("x2", 26).attr("y1", 3).attr("y2", 3).attr("stroke-width", 2.2);
    one.append("b");
    return one;
  });
  names.select("line").attr("stroke", (line) => line.colour).attr("stroke-dasharray", (line) => line.dash);
  names.select("b").text((line) => HABITS[line.name].bar);
}

const UNREADABLE = "The snapshot of this step cannot be read now.";
// One request at a time; whoever drags on meanwhile gets the place where they are by then.
let fetchingMoment = false;
async function drawMomentMap() {
  const run = picker.run, step = atStep, known = moments.get(step);
  if (!known) {
    if (fetchingMoment) return;
    fetchingMoment = true;
    const answer = await ask("moment", { run_id: run, step, tokens: MOMENT_TOKENS }, true);
    fetchingMoment = false;
    if (picker.run !== run) return;
    if (!answer) { $("moment-map").hidden = true; $("moment-read").textContent = UNREADABLE; return; } // asked again with the next move
    moments.set(step, answer);
    drawMomentMap();
    return;
  }
  const rows = (known.weights[chosen.layer] || [])[chosen.head];
  $("moment-map").hidden = !rows;
  if (!rows) { $("moment-read").textContent = UNREADABLE; return; }
  momentView.show(mapFrom(rows), known.tokens, { ramp: rampOf("weights"), scale: SHADINGS.root });
  tellMoment();
  drawChanged(known);
}

// What is different from the step that was pinned, on the same text.
function drawChanged(known) {
  const before = pinned === null ? null : moments.get(pinned), rows = before && (before.weights[chosen.layer] || [])[chosen.head];
  $("pin").textContent = pinned === null ? "Compare other steps with this one" : `Compare no longer with step ${pinned.toLocaleString("en")}`;
  $("changed").hidden = !rows || pinned === atStep;
  if ($("changed").hidden) return;
  const map = differenceOf(mapFrom(rows), mapFrom(known.weights[chosen.layer][chosen.head])), { scale, marks } = aroundZero(map);
  $("changed-told").textContent = `Step ${atStep.toLocaleString("en")} less step ${pinned.toLocaleString("en")}: ${percent(movedOf(map))} of a token's attention goes elsewhere. Orange is more, blue is less.`;
  changedView.show(map, known.tokens, { ramp: rampOf("difference"), scale });
  legend($("changed-bar"), $("changed-ticks"), rampOf("difference"), scale, marks);
}

function tellMoment() {
  const known = moments.get(atStep), at = momentView.cross;
  $("moment-read").textContent = !at || !known ? `Head ${nameOf(chosen.layer, chosen.head)} at step ${atStep.toLocaleString("en")}` : at.k > at.q ? "Nobody may look ahead." : `Step ${atStep.toLocaleString("en")}: ${pairSaid(known.tokens, at.q, at.k, share(valueAt(momentView.map, at.q, at.k)))}`;
}

function setUpHistory() {
  momentView = new MapView($("moment-map"), { moved: () => tellMoment(), largest: 22, named: "Attention of the chosen head at a step of the training" });
  changedView = new MapView($("changed-map"), { moved: (q, k) => { momentView.cross = { q, k }; momentView.draw(); tellMoment(); }, largest: 22, named: "Difference between two steps" });
  $("pin").onclick = () => { pinned = pinned === null ? atStep : null; drawHistory(); };
  new ResizeObserver(() => { if ($("history").clientWidth) drawHistory(); }).observe($("time"));
  $("step").oninput = () => goToStep(past[Number($("step").value)].step);
  const moved = (event) => {
    if (!element.isConnected) { document.removeEventListener("gtt:moment", moved); return; }
    const { run, step, newest } = event.detail || {};
    if (newest && !following) return; // whoever chose a step stays there while the run goes on
    if (run === picker.run && typeof step === "number") { goToStep(step); following = following || Boolean(newest); }
  };
  document.addEventListener("gtt:moment", moved);
}
