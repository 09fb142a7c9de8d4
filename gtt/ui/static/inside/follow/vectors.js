// The numbers of a step as coloured strips on a canvas: a row per head, or one vector in lines of
// 128; a masked place is hatched. The pointer or the arrow keys read a number out; a click or Enter
// works it out. The one that is worked out is framed.
const LINE = 128, GAP = 3, LABEL = 58;
let strip = null; // { step, rows, heads, wrapped, most, texts, worked: [row, column], cell: the same }

function style(name) { return getComputedStyle(element).getPropertyValue(name).trim(); }
function colours() {
  const middle = d3.color(style("--background-fill-secondary")) || d3.color("#f1f5f9");
  return { up: d3.interpolateLab(middle, style("--gtt-train")), down: d3.interpolateLab(middle, style("--gtt-valid")), text: style("--body-text-color"), subdued: style("--body-text-color-subdued") };
}

function showVectors(step, tokens) {
  const values = step.rows.flat().filter((v) => v !== null), share = step.name.endsWith(".weights");
  const many = step.rows.length > 1, lines = many || step.rows[0].length <= LINE ? step.rows : d3.range(0, step.rows[0].length, LINE).map((from) => step.rows[0].slice(from, from + LINE));
  strip = { rows: lines, heads: many, wrapped: lines !== step.rows, step, worked: lines !== step.rows ? [Math.floor(step.column / LINE), step.column % LINE] : [step.row, step.column], texts: step.columns === "tokens" ? tokens : [], most: d3.max(values, Math.abs) || 1, share, cell: null };
  $("canvas").setAttribute("aria-label", `${step.title}: ${many ? `${lines.length} heads with ${lines[0].length} numbers each` : `${step.rows[0].length} numbers`}, from ${number(d3.min(values))} to ${number(d3.max(values))}. Arrow keys read them out, Enter works one out.`);
  legendOf(values.length < step.rows.flat().length);
  readOut(document.activeElement === $("canvas") ? strip.worked : null); // whoever chose one by keys goes on from there
  paintVectors();
}

function paintVectors() {
  const canvas = $("canvas"), width = canvas.parentNode.clientWidth;
  if (!strip || !width) return;
  const tall = strip.heads ? 22 : 26, head = strip.texts.length ? 54 : 14, columns = d3.max(strip.rows, (row) => row.length);
  const left = strip.heads || strip.wrapped ? LABEL : 4, cell = Math.min((width - left - 4) / columns, 46), ratio = window.devicePixelRatio || 1;
  const height = head + strip.rows.length * (tall + GAP);
  canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio); canvas.style.height = `${height}px`;
  Object.assign(strip, { left, cellWidth: cell, head, tall });
  const pen = canvas.getContext("2d"), { up, down, text, subdued } = colours();
  pen.scale(ratio, ratio);
  pen.font = "12px " + style("--font-mono");
  strip.rows.forEach((row, r) => {
    const y = head + r * (tall + GAP);
    pen.fillStyle = subdued; pen.textAlign = "left"; pen.textBaseline = "middle";
    if (strip.heads) pen.fillText(`head ${r}`, 0, y + tall / 2); else if (strip.wrapped) pen.fillText(String(r * LINE), 0, y + tall / 2);
    row.forEach((v, c) => {
      const x = left + c * cell;
      if (v === null) { hatch(pen, x, y, cell, tall, subdued); return; }
      pen.fillStyle = (v < 0 ? down : up)(Math.min(1, Math.abs(v) / strip.most));
      pen.fillRect(x, y, cell > 6 ? cell - 1 : cell + 0.3, tall);
    });
  });
  strip.texts.forEach((token, c) => {
    const x = left + (c + 0.5) * cell, here = c === path.place;
    pen.save(); pen.translate(x, head - 5); pen.rotate(-Math.PI / 3.2);
    pen.fillStyle = here ? text : subdued; pen.font = `${here ? "bold " : ""}${cell < 11 ? 9 : 12}px ${style("--font-mono")}`; pen.textAlign = "left";
    const word = visible(token); pen.fillText(word.length > 8 ? `${word.slice(0, 7)}…` : word, 0, 0); pen.restore();
  });
  for (const [spot, wide] of [[strip.worked, 3], [strip.cell, 2]]) {
    if (!spot) continue;
    pen.strokeStyle = text; pen.lineWidth = wide;
    pen.strokeRect(left + spot[1] * cell - 1, head + spot[0] * (tall + GAP) - 1, Math.max(cell, 3) + 1, tall + 2);
  }
}

function hatch(pen, x, y, wide, tall, colour) {
  pen.save(); pen.beginPath(); pen.rect(x, y, wide - 1, tall); pen.clip(); pen.strokeStyle = colour; pen.globalAlpha = 0.6; pen.lineWidth = 1; pen.beginPath();
  for (let from = -tall; from < wide; from += 5) { pen.moveTo(x + from, y + tall); pen.lineTo(x + from + tall, y); }
  pen.stroke(); pen.restore();
}

function legendOf(masked) {
  const place = $("legend"), { up, down } = colours(), ramp = document.createElement("i");
  const low = document.createElement("span"), high = document.createElement("span");
  low.textContent = strip.share ? "0" : number(-strip.most, 2).replace("-", "−"); high.textContent = number(strip.most, 2);
  const stops = strip.share ? [0, 0.5, 1].map(up) : [down(1), down(0.5), down(0), up(0.5), up(1)];
  ramp.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  place.replaceChildren(low, ramp, high);
  if (!masked) return;
  const hatched = document.createElement("i"), word = document.createElement("span");
  hatched.className = "masked"; word.textContent = "masked: the future";
  place.append(hatched, word);
}

// A cell of the strips as row and column of the step.
function spotOf([r, c]) { return strip.wrapped ? [0, r * LINE + c] : [r, c]; }

function readOut(cell) {
  if (!strip) return;
  strip.cell = cell;
  if (!cell) {
    $("read").textContent = byTouch() ? "Touch a number to have it worked out."
      : "Point at a number, or use the arrow keys on the strips, to read it; "
        + "a click or Enter works it out.";
    return;
  }
  const v = strip.rows[cell[0]][cell[1]];
  $("read").textContent = `${placeOf(strip.step, ...spotOf(cell))}: ${v === null ? "masked, −∞" : strip.share ? `${v.toFixed(3)} of the attention` : v.toFixed(4).replace("-", "−")}`;
}

function cellAt(event) {
  const box = $("canvas").getBoundingClientRect();
  const c = Math.floor((event.clientX - box.left - strip.left) / strip.cellWidth), r = Math.floor((event.clientY - box.top - strip.head) / (strip.tall + GAP));
  return strip.rows[r] && c >= 0 && c < strip.rows[r].length ? [r, c] : null;
}
$("canvas").onpointermove = (event) => { if (strip && strip.cellWidth) { readOut(cellAt(event)); paintVectors(); } };
$("canvas").onpointerleave = () => { if (strip && document.activeElement !== $("canvas")) { readOut(null); paintVectors(); } };
$("canvas").onclick = (event) => { const cell = strip && cellAt(event); if (cell) workOut(...spotOf(cell)); };
$("canvas").onkeydown = (event) => {
  if (event.key === "Enter" && strip && strip.cell) { event.preventDefault(); workOut(...spotOf(strip.cell)); return; }
  const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!way || !strip) return;
  event.preventDefault(); event.stopPropagation();
  const [r, c] = strip.cell || [0, -1], row = Math.max(0, Math.min(strip.rows.length - 1, r + way[0]));
  readOut([row, Math.max(0, Math.min(strip.rows[row].length - 1, c + way[1]))]);
  paintVectors();
};
new ResizeObserver(() => paintVectors()).observe($("vectors"));
new MutationObserver(() => { paintVectors(); if (strip) legendOf(strip.rows.flat().includes(null)); }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
