// Attention at the moment of the timeline: one small map per head, from the newest snapshot up to it.
let fetching = false, painted = null;

function drawAttention() {
  const at = view.at === null ? Infinity : view.at;
  const step = looks.filter((s) => s <= at).pop();
  const known = step === undefined ? null : kept.get(step);
  if (step !== undefined && !known) fetchSnapshot(step);
  if ((known || step === undefined) && painted !== known) paintHeads(known);
}

// One request at a time; whoever drags on meanwhile gets the place where they are by then.
async function fetchSnapshot(step) {
  if (fetching || !run) return;
  fetching = true;
  const asked = run.id;
  let answer = null;
  try {
    answer = await server.look({ workspace: key, run_id: asked, step });
  } catch (error) { /* asked again with the next move */ }
  fetching = false;
  if (!run || run.id !== asked || !answer) return;
  if (answer.error && ["rate_limited", "busy"].includes(answer.error.code)) return; // likewise
  kept.set(step, answer.error ? { weights: [], step } : answer);
  drawAttention();
}

function paintHeads(snapshot) {
  painted = snapshot;
  const grid = $("heads"), layers = snapshot ? snapshot.weights : [];
  $("heads-step").textContent = layers.length ? `What each head looks at, step ${whole(snapshot.step)}` : "What each head looks at";
  $("heads-told").textContent = layers.length ? "A row is a token that reads, a column a token before it that is read." : "Comes with the first snapshot.";
  const heads = layers.length ? layers[0].length : 0;
  const most = `calc((14rem - ${4 * (layers.length - 1)}px) / ${Math.max(1, layers.length)})`;
  grid.style.gridTemplateColumns = `repeat(${Math.max(1, heads)}, minmax(0, ${most}))`;
  const cells = layers.flatMap((weights, layer) => weights.map((map, head) => ({ layer, head, map })));
  const canvases = d3.select(grid).selectAll("canvas").data(cells).join("canvas").attr("role", "img");
  canvases.each(function (cell) { paintHead(this, cell); });
  canvases.on("pointermove", (cell, i, nodes) => readHead(nodes[i], cell, snapshot));
  canvases.attr("aria-label", (cell) => `Layer ${cell.layer}, head ${cell.head}: ${strongest(cell.map, snapshot.tokens)}`);
}

function paintHead(canvas, cell) {
  const n = cell.map.length, size = 4, pen = canvas.getContext("2d");
  canvas.width = n * size; canvas.height = n * size;
  pen.fillStyle = getComputedStyle(element).getPropertyValue("--gtt-train").trim() || "#0067a5";
  for (let q = 0; q < n; q += 1) for (let k = 0; k <= q; k += 1) {
    pen.globalAlpha = Math.min(1, cell.map[q][k]);
    pen.fillRect(k * size, q * size, size, size);
  }
}

const visible = (text) => text.replace(/ /g, "·").replace(/\n/g, "↵");

function strongest(map, tokens) {
  const q = map.length - 1, k = map[q].indexOf(Math.max(...map[q]));
  return `“${visible(tokens[q] || "")}” looks most at “${visible(tokens[k] || "")}”, ${Math.round(100 * map[q][k])} %`;
}

function readHead(canvas, cell, snapshot) {
  const event = d3.event, box = canvas.getBoundingClientRect(), n = cell.map.length;
  const q = Math.floor(((event.clientY - box.top) / box.height) * n), k = Math.floor(((event.clientX - box.left) / box.width) * n);
  if (q < 0 || q >= n || k < 0 || k > q) return;
  $("heads-told").textContent = `Layer ${cell.layer}, head ${cell.head}: “${visible(snapshot.tokens[q] || "")}” looks at “${visible(snapshot.tokens[k] || "")}”, ${(100 * cell.map[q][k]).toFixed(1)} %`;
}
