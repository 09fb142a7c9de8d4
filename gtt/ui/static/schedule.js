// The planned learning rate; asked for anew when a setting of the draft has been saved.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
let key = "", plan = null, last = 0;

async function attach(value) {
  key = (value || {}).workspace || "";
  if (!key) return;
  const mine = (last += 1);
  try {
    const asked = document.documentElement.dataset.gttAsked;
    const answer = await server.plan({ workspace: key, asked, points: 200 });
    if (mine === last && !answer.error) { plan = answer; draw(); }
  } catch (error) { /* drawn with the next change */ }
}

// As the field above writes it, 0.008, as long as that can be read.
const rate = (v) => (v && v < 1e-4 ? v.toExponential(1) : String(Number(v.toPrecision(2))));

function draw() {
  const box = $("chart");
  if (!plan || !box.clientWidth) return;
  const width = Math.max(260, box.clientWidth), height = 150, margin = { top: 8, right: 14, bottom: 22, left: 52 };
  const svg = d3.select(box).selectAll("svg").data([0]);
  const picture = svg.enter().append("svg").attr("role", "img").merge(svg).attr("viewBox", `0 0 ${width} ${height}`);
  const points = plan.steps.map((step, i) => [step, plan.learning_rates[i]]);
  const peak = d3.max(points, (p) => p[1]) || 1;
  const x = d3.scaleLinear().domain([0, plan.total_steps]).range([margin.left, width - margin.right]);
  const y = d3.scaleLinear().domain([0, peak * 1.05]).range([height - margin.bottom, margin.top]);
  const axis = (name, place, made) => {
    const found = picture.selectAll(`g.${name}`).data([0]);
    found.enter().append("g").attr("class", name).merge(found).attr("transform", place).call(made);
  };
  axis("x", `translate(0,${height - margin.bottom})`, d3.axisBottom(x).ticks(width / 110));
  axis("y", `translate(${margin.left},0)`, d3.axisLeft(y).ticks(4).tickFormat(rate));
  const path = picture.selectAll("path.rate").data([points]);
  path.enter().append("path").attr("class", "rate").merge(path).attr("d", d3.line().x((p) => x(p[0])).y((p) => y(p[1])));
  const steps = plan.total_steps.toLocaleString("en");
  $("words").textContent = `Rises to ${rate(peak)}, ends at ${rate(points[points.length - 1][1])}, over ${steps} steps${plan.assumed ? " (a guess: how many steps the epochs take is known once the text is read)" : ""}.`;
  picture.attr("aria-label", $("words").textContent);
}

new ResizeObserver(draw).observe($("chart"));
watch("value", () => attach(props.value));
attach(props.value);
