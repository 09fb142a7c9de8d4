// Attention heads: a grid of small maps and one large map. Canvas, since 256 tokens make 65,536 cells.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
let value = null, layer = 0, head = 0;

const seen = (text) => text.replace(/ /g, "␣").replace(/\n/g, "↵");
const colour = () => getComputedStyle(element).getPropertyValue("--gtt-train").trim() || "#0067a5";

function paint(canvas, weights, cell) {
  const n = weights.length, pen = canvas.getContext("2d");
  canvas.width = n * cell; canvas.height = n * cell;
  pen.fillStyle = colour();
  for (let q = 0; q < n; q += 1) for (let k = 0; k <= q; k += 1) {
    pen.globalAlpha = Math.min(1, weights[q][k]);
    pen.fillRect(k * cell, q * cell, cell, cell);
  }
  pen.globalAlpha = 1;
}

function draw() {
  const grid = $("grid");
  grid.textContent = "";
  element.querySelector(".large").hidden = !value;
  $("hint").hidden = Boolean(value);
  if (!value) return;
  grid.style.gridTemplateColumns = `repeat(${value.weights[0].length}, minmax(3rem, 8rem))`;
  value.weights.forEach((heads, l) => heads.forEach((weights, h) => {
    const button = document.createElement("button"), canvas = document.createElement("canvas"), name = document.createElement("span");
    button.type = "button";
    name.textContent = `${value.layers[l]}.${h}`;
    button.setAttribute("aria-label", `Layer ${value.layers[l]}, head ${h}`);
    button.setAttribute("aria-pressed", l === layer && h === head);
    button.append(canvas, name);
    button.onclick = () => { layer = l; head = h; draw(); };
    grid.append(button);
    paint(canvas, weights, 2);
  }));
  drawLarge();
}

function drawLarge() {
  const weights = value.weights[layer][head], n = weights.length, cell = Math.max(2, Math.min(36, Math.floor(640 / n)));
  const canvas = $("map");
  paint(canvas, weights, cell);
  canvas.setAttribute("aria-label", `Layer ${value.layers[layer]}, head ${head}: rows read, columns are read`);
  canvas.onpointermove = (event) => {
    const box = canvas.getBoundingClientRect();
    const k = Math.floor(((event.clientX - box.left) / box.width) * n), q = Math.floor(((event.clientY - box.top) / box.height) * n);
    if (q >= 0 && q < n && k >= 0 && k < n) tell(q, k);
  };
  let at = n - 1;
  canvas.onkeydown = (event) => {
    const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    at = Math.max(0, Math.min(n - 1, at + move));
    const row = weights[at];
    tell(at, row.indexOf(Math.max(...row)));
  };
  $("words").textContent = `Layer ${value.layers[layer]}, head ${head}. Point at a cell, or use the arrow keys.${value.cut ? ` ${value.cut} tokens on the left were cut.` : ""}`;
}

function tell(q, k) {
  $("words").textContent = `“${seen(value.tokens[q])}” (token ${q}) looks at “${seen(value.tokens[k])}” (token ${k}): ${(value.weights[layer][head][q][k] * 100).toFixed(1)} %`;
}

function attach(given) {
  value = given && given.weights && given.weights.length ? given : null;
  if (value && (layer >= value.weights.length || head >= value.weights[0].length)) { layer = 0; head = 0; }
  draw();
}

watch("value", () => attach(props.value));
attach(props.value);
