// The small charts: what else is measured while the loss falls.
const MEGA = 1e6;
const SMALLS = [
  { name: "task_score", tip: "task_score", title: "Exam", tells: (v) => percent(v), top: 1 },
  { name: "learning_rate", tip: "current_learning_rate", title: "Learning rate", tells: (v) => rate(v) },
  { name: "gradient_norm", tip: "gradient_norm", title: "Gradient norm", tells: (v) => v.toFixed(2) },
  { name: "update_to_weight", tip: "update_to_weight_ratio", title: "Update over weight", tells: (v) => rate(v) },
  { name: "tokens_per_second", tip: "tokens_per_second", title: "Tokens per second", tells: (v) => whole(v) },
  { name: "memory_bytes", tip: "peak_memory", title: "Memory", tells: (v) => `${whole(v / MEGA)} MB` },
];

function drawSmalls() {
  const last = run && run.total_steps ? run.total_steps : 1;
  const x = d3.scaleLinear().domain([0, last]).range([3, 197]);
  const cards = d3.select($("smalls")).selectAll("div.card").data(SMALLS, (d) => d.name);
  const figures = cards.join((enter) => {
    const figure = enter.append("div").attr("class", "card").attr("tabindex", 0)
      .attr("role", "button").attr("data-tip", (d) => d.tip);
    const caption = figure.append("span").attr("class", "caption");
    caption.append("b");
    caption.append("span");
    figure.append("svg").attr("viewBox", "0 0 200 54").attr("preserveAspectRatio", "none").attr("aria-hidden", "true");
    return figure;
  });
  figures.select(".caption b").text((d) => d.title);
  figures.each(function (d) { drawSmall(d3.select(this), d, x); });
}

function drawSmall(figure, small, x) {
  const points = (curves[small.name] || []), planned = small.name === "learning_rate" ? schedule : [];
  const at = view.pinned ? nearest(points, view.at) : points[points.length - 1];
  figure.select(".caption span").text(at ? small.tells(at[1]) : "–");
  const most = small.top || d3.max(points.concat(planned), (p) => p[1]) || 1;
  const y = d3.scaleLinear().domain([0, most]).range([51, 4]);
  const line = d3.line().x((p) => x(p[0])).y((p) => y(p[1]));
  const svg = figure.select("svg");
  svg.selectAll("path.plan").data([planned]).join("path").attr("class", "plan").attr("d", (d) => line(d) || "");
  svg.selectAll("path.done").data([points]).join("path").attr("class", "done").attr("d", (d) => line(d) || "");
  // A line of no length with round ends: a dot that stays round in a stretched picture.
  svg.selectAll("path.dot").data(at ? [at] : []).join("path").attr("class", "dot").attr("d", (p) => `M${x(p[0])},${y(p[1])}h0`);
}
