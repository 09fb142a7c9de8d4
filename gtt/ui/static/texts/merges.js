// Byte-pair encoding on a sentence: a slider over the merges that change it. The answer holds the
// bytes and where each merge joins; the states in between are made here. `value` is
// {workspace, text, data}.
const MOST_CHARACTERS = 500; // that the endpoint takes
const PLAY_EVERY = 450; // milliseconds
let answer = null, states = [], at = 0, playing = 0, key = "";

function show(given) {
  if (!lay(given)) { forget(); return; }
  answer = given;
  states = [answer.start];
  for (const step of answer.steps) states.push(joined(states[states.length - 1], step));
  at = Math.min(at, states.length - 1);
  const slider = $("slider"), last = states[states.length - 1].length;
  slider.max = states.length - 1;
  $("about").textContent = `From the beginning of “${answer.title}” ${whole(answer.learned)} merges were learned: each time the two neighbours that stand side by side most often become one token, until there are ${whole(answer.vocab_size)}. ${whole(answer.steps.length)} steps change this sentence, from ${whole(answer.start.length)} bytes to ${whole(last)} tokens.`;
  draw();
}

// The sentence after a merge: at each of its places two neighbours become one.
function joined(tokens, step) {
  const places = new Set(step.places), after = [];
  for (let from = 0; from < tokens.length; from += 1) {
    if (places.has(after.length)) { after.push(step.merged); from += 1; } else after.push(tokens[from]);
  }
  return after;
}

function draw() {
  const step = at ? answer.steps[at - 1] : null, fresh = new Set(step ? step.places : []);
  $("slider").value = at;
  $("back").disabled = at === 0;
  $("next").disabled = at === states.length - 1;
  $("chips").replaceChildren(...states[at].map((token, place) => {
    const one = chip(token);
    if (fresh.has(place)) one.classList.add("fresh");
    return one;
  }));
  const what = $("what");
  if (step) {
    const times = step.places.length === 1 ? "once" : `${step.places.length} times`;
    what.replaceChildren(`Merge ${whole(step.number)} of ${whole(answer.learned)}: `, made("b", seen(step.first)), " + ", made("b", seen(step.second)), " → ", made("b", seen(step.merged)), `, which stood side by side ${whole(step.count)} times in the text; here ${times}. ${whole(states[at].length)} tokens.`);
  } else {
    const keys = matchMedia("(hover: none), (pointer: coarse), (max-width: 480px)").matches ? "" : ", or use the arrow keys";
    what.textContent = `No merge yet: ${whole(answer.start.length)} bytes, a token each. Move the slider${keys}.`;
  }
  $("slider").setAttribute("aria-valuetext", what.textContent);
  drawChart();
}

// How many tokens are left, over the slider.
function drawChart() {
  const last = Math.max(1, states.length - 1), most = Math.max(1, answer.start.length);
  const x = d3.scaleLinear().domain([0, last]).range([0, 100]), y = d3.scaleLinear().domain([0, most]).range([40, 2]);
  const svg = d3.select($("chart")).selectAll("svg").data([0]);
  const picture = svg.enter().append("svg").merge(svg).attr("viewBox", "0 0 100 42").attr("preserveAspectRatio", "none");
  const left = states.map((state, i) => [i, state.length]);
  const put = (kind, name, draw) => { const found = picture.selectAll(`${kind}.${name}`).data([left]); draw(found.enter().append(kind).attr("class", name).merge(found)); };
  put("path", "area", (one) => one.attr("d", d3.area().curve(d3.curveStepAfter).x((p) => x(p[0])).y0(42).y1((p) => y(p[1]))));
  put("path", "left", (one) => one.attr("d", d3.line().curve(d3.curveStepAfter).x((p) => x(p[0])).y((p) => y(p[1]))));
  put("line", "here", (one) => one.attr("x1", x(at)).attr("x2", x(at)).attr("y1", 0).attr("y2", 42));
}

function go(to) {
  at = Math.max(0, Math.min(states.length - 1, to));
  if (answer) draw();
}

function stop() {
  clearInterval(playing);
  playing = 0;
  $("play").textContent = "Play";
}

$("slider").addEventListener("input", () => { stop(); go(Number($("slider").value)); });
$("back").onclick = () => { stop(); go(at - 1); };
$("next").onclick = () => { stop(); go(at + 1); };
$("play").onclick = () => {
  if (playing) { stop(); return; }
  if (at === states.length - 1) go(0);
  $("play").textContent = "Pause";
  playing = setInterval(() => { if (at >= states.length - 1 || !element.isConnected) stop(); else go(at + 1); }, PLAY_EVERY);
};

function forget() {
  stop();
  answer = null;
}

const want = seeker((wish) => server.merges(wish), show, () => { forget(); lay(null); });
function attach(value) {
  if (!value || !value.workspace) return;
  const text = (value.text || "").slice(0, MOST_CHARACTERS);
  if (text !== key) { key = text; at = 0; stop(); }
  if (answer) $("all").hidden = !text;
  if (!text) { $("waiting").hidden = true; return; }
  want({ workspace: value.workspace, ...value.data, text });
}
watch("value", () => attach(props.value));
attach(props.value);
