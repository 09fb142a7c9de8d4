// The attention of one head, as a map and in words.

const SHOWN = 40; // tokens of the end of the text that the map has room for
let rows = []; // by token of the last block, the weights of the tokens up to it
let pieces = []; // these tokens as text
let first = 0; // where the map begins
let row = 0;

/** Reads the last block of the text, all that the model sees, and shows what a head looks at. */
async function showAttention() {
  if (isWriting || !ids.length) return;
  const layer = Number($("layer").value), head = Number($("head").value);
  const read = ids.slice(-about.model.block_size);
  rows = await ask("attention", { ids: read, layer, head });
  pieces = [...$("text").children].slice(-read.length).map((span) => visible(span.textContent));
  first = Math.max(0, rows.length - SHOWN);
  $("row").min = first;
  $("row").max = rows.length - 1;
  chooseRow(rows.length - 1);
}

/** Says in words what the token of a row looks at. */
function chooseRow(next) {
  row = Math.max(first, Math.min(next, rows.length - 1));
  $("row").value = row;
  $("row-shown").textContent = `“${pieces[row]}”`;
  const most = ranked(Float32Array.from(rows[row])).slice(0, 4);
  const told = most.filter((i) => rows[row][i] >= 0.01)
    .map((i) => `“${pieces[i]}” ${Math.round(100 * rows[row][i])} %`
      + (i === row ? " (itself)" : ` (${row - i} before)`));
  $("looked").textContent = `“${pieces[row]}” looks at ${told.join(", ")}.`;
  drawMap();
}

function drawMap() {
  const canvas = $("map"), count = rows.length - first;
  if (!rows.length) return;
  const width = canvas.clientWidth, sharp = window.devicePixelRatio || 1;
  const margin = Math.min(90, width / 4), cell = (width - margin) / Math.max(count, 8);
  canvas.width = width * sharp;
  canvas.height = Math.ceil(cell * count + 4) * sharp;
  canvas.style.height = `${canvas.height / sharp}px`;
  const style = getComputedStyle(document.documentElement), paint = canvas.getContext("2d");
  const [cool, ink] = ["--cool", "--ink"].map((name) => style.getPropertyValue(name).trim());
  paint.scale(sharp, sharp);
  paint.textBaseline = "middle";
  paint.textAlign = "right";
  paint.font = `${Math.max(8, Math.min(13, cell))}px ui-monospace, monospace`;
  rows.slice(first).forEach((weights, i) => {
    weights.slice(first).forEach((weight, j) => {
      paint.fillStyle = `rgba(${cool}, ${0.06 + 0.94 * weight})`;
      paint.fillRect(margin + j * cell, i * cell, Math.max(1, cell - 1), Math.max(1, cell - 1));
    });
    paint.fillStyle = ink;
    paint.globalAlpha = first + i === row ? 1 : 0.7;
    paint.fillText(pieces[first + i].slice(0, 12), margin - 6, i * cell + cell / 2, margin - 6);
    paint.globalAlpha = 1;
  });
  paint.strokeStyle = ink;
  const here = row - first;
  paint.strokeRect(margin - 0.5, here * cell + 0.5, (here + 1) * cell, cell);
  canvas.setAttribute("aria-label",
    `Attention of head ${Number($("head").value) + 1} in layer ${Number($("layer").value) + 1} `
      + `over the last ${count} tokens`);
}

function fillChoices() {
  const option = (n) => new Option(String(n + 1), String(n));
  $("layer").replaceChildren(...Array.from({ length: about.model.n_layers }, (_, n) => option(n)));
  $("head").replaceChildren(...Array.from({ length: about.model.n_heads }, (_, n) => option(n)));
}

$("layer").onchange = showAttention;
$("head").onchange = showAttention;
$("row").oninput = () => { if (rows.length) chooseRow(Number($("row").value)); };
$("map").onclick = ({ offsetY }) => {
  const shown = rows.length - first;
  if (shown) chooseRow(first + Math.floor(offsetY / ($("map").clientHeight / shown)));
};
addEventListener("resize", drawMap);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawMap);

// ---------------------------------------------------------------------------- here it begins

fillChoices();
showSettings();
ask("load", { about, weights: $("weights").textContent }).then(() => {
  $("weights").remove(); // the worker has unpacked them
  setWriting(false);
  say("Ready.");
}, (error) => say(error.message, true));
