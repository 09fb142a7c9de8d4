// All heads at a glance, as one radio group: arrow keys move, the chosen one is shown large.
const THUMBNAIL = 96; // points of a side at most
let cellsOfGrid = [], builtGrid = "";

function buildGrid(layers, columns) {
  const grid = $("grid");
  if (builtGrid === `${layers} ${columns}`) return;
  builtGrid = `${layers} ${columns}`;
  grid.classList.toggle("many", columns > 4);
  grid.style.gridTemplateColumns = `auto repeat(${columns}, minmax(3.6rem, 9.5rem))`;
  cellsOfGrid = [];
  $("tip").style.opacity = 0;
  grid.replaceChildren();
  for (let layer = 0; layer < layers; layer += 1) {
    const name = document.createElement("span");
    name.className = "row-name";
    name.textContent = `layer ${layer}`;
    grid.append(name);
    for (let head = 0; head < columns; head += 1) grid.append(gridCell(layer, head));
  }
}

function gridCell(layer, head) {
  const button = document.createElement("button"), canvas = document.createElement("canvas"), name = document.createElement("b"), brief = document.createElement("span");
  button.type = "button";
  button.setAttribute("role", "radio");
  button.dataset.head = nameOf(layer, head);
  name.textContent = nameOf(layer, head);
  button.append(canvas, name, " ", brief);
  button.onclick = () => choose(layer, head, true);
  button.onkeydown = (event) => moveInGrid(event, layer, head);
  button.onpointermove = (event) => showTip(event, layer, head);
  button.onpointerleave = () => { $("tip").style.opacity = 0; };
  cellsOfGrid.push({ layer, head, button, canvas, brief });
  return button;
}

function moveInGrid(event, layer, head) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -head], End: [0, seen.heads.length - 1 - head] }[event.key];
  if (!step) return;
  event.preventDefault();
  const to = [layer + step[0], head + step[1]];
  if (to[0] < 0 || to[0] >= seen.layers.length || to[1] < 0 || to[1] >= seen.heads.length) return;
  choose(to[0], to[1], true);
  cellsOfGrid[to[0] * seen.heads.length + to[1]].button.focus();
}

function paintGrid() {
  const ramp = rampOf("weights"), by = Math.ceil(seen.n / THUMBNAIL);
  for (const { layer, head, canvas } of cellsOfGrid) {
    const picture = pictureOf(mapOf(seen, layer, head), SHADINGS.root, ramp, by);
    canvas.width = picture.width; canvas.height = picture.height;
    canvas.getContext("2d").drawImage(picture, 0, 0);
  }
}

// Which is chosen, which is off, and what each is called.
function markGrid() {
  for (const { layer, head, button, brief } of cellsOfGrid) {
    const isChosen = layer === chosen.layer && head === chosen.head, isOff = off.has(nameOf(layer, head));
    const habits = habitsAt(layer, head);
    brief.textContent = isOff ? "switched off" : headBrief(layer, head);
    button.classList.toggle("clear", Boolean(habits && (habits.name || findsAnswer(layer, head) || fedBy(layer, head, currentHabits()).length)));
    button.classList.toggle("is-off", isOff);
    button.setAttribute("aria-checked", String(isChosen));
    button.tabIndex = isChosen ? 0 : -1;
    button.setAttribute("aria-label", `Head ${nameOf(layer, head)}${brief.textContent ? `: ${brief.textContent}` : ""}${habits ? `. ${headFigures(habits)}` : ""}`);
  }
}

// Beside the pointer.
function showTip(event, layer, head) {
  const habits = habitsAt(layer, head), tip = $("tip");
  if (!habits) return;
  tip.textContent = `${nameOf(layer, head)} ${headBrief(layer, head)}: ${headFigures(habits)}`;
  const all = $("whole").getBoundingClientRect();
  tip.style.left = `${Math.max(0, Math.min(all.width - 250, event.clientX - all.left - 10))}px`;
  tip.style.top = `${event.clientY - all.top + 18}px`;
  tip.style.opacity = 1;
}
