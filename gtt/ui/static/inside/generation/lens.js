// What each layer would have said: a table of layers and the last places.
const PLACES = 24, LISTED = 5;
let lensOf = "", lensWaits = 0;

// The text up to the token that is looked at, or all of it, or the prompt.
function lensText() {
  const sample = chosenText();
  if (!sample || focus.kind === "prompt") return { text: $("prompt").value, name: "the prompt" };
  const all = sample.prompt + sample.text;
  if (focus.kind !== "token" || !sample.reading || sample.skipped) return { text: all, name: "the text" };
  const parts = sample.reading.tokens.map((one) => one.text);
  if (!parts.join("").startsWith(all)) return { text: all, name: "the text" }; // bytes of a character
  return { text: parts.slice(0, focus.token.place + 1).join(""), name: `the text up to ${quoted(focus.token.text)}` };
}

function lensChanged() {
  clearTimeout(lensWaits);
  if ($("lens-part").open) lensWaits = setTimeout(drawLens, 300);
}

async function drawLens() {
  const { text, name } = lensText(), id = JSON.stringify([picker.chosen, text]);
  if (!text || id === lensOf) { if (!text) $("lens-of").textContent = "Write a prompt first."; return; }
  const answer = await ask("lens", { ...picker.chosen, text, positions: PLACES, count: LISTED }, true);
  if (!answer) { $("lens-of").textContent = "The layers cannot be read now: the checkpoint may be gone, or the server busy. Try again in a moment."; return; }
  lensOf = id;
  $("lens-of").textContent = `The last ${whole(answer.places.length)} tokens of ${name}.${answer.cut ? ` ${whole(answer.cut)} before the block were cut.` : ""}`;
  $("lens").replaceChildren(lensTable(answer));
  $("lens").scrollLeft = $("lens").scrollWidth;
}

function layerName(name, number, count) {
  if (name === "embed") return "embedding";
  return number === count - 1 ? `layer ${number - 1}, the last` : `layer ${number - 1}`;
}

function lensTable(answer) {
  const table = made("table", "lens"), head = made("tr"), body = made("tbody"), layers = answer.layers;
  table.setAttribute("aria-label", "Likeliest next token by layer and place");
  head.append(made("th", "", "after"));
  for (const place of answer.places) {
    const cell = made("th", "mono", visible(answer.tokens[place]));
    cell.scope = "col";
    head.append(cell);
  }
  const firsts = answer.places.map((_, column) => layers.findIndex((layer) => layer.final_rank[column] === 1));
  const rows = layers.map((layer, number) => {
    const row = made("tr"), name = made("th", "", layerName(layer.name, number, layers.length));
    name.scope = "row";
    row.append(name);
    layer.likeliest.forEach((listed, column) => row.append(lensCell(layer, number, layers.length, listed, column, firsts[column] === number, answer)));
    return row;
  });
  body.append(...rows);
  const top = made("thead");
  top.append(head);
  table.append(top, body);
  const cells = rows.map((row) => [...row.querySelectorAll("td")]);
  const last = cells[cells.length - 1];
  last[last.length - 1].tabIndex = 0;
  table.addEventListener("keydown", (event) => lensKey(event, cells));
  return table;
}

function lensCell(layer, number, count, listed, column, isFirst, answer) {
  const cell = made("td", "mono", visible(listed[0].text)), odds = listed[0].odds;
  cell.style.setProperty("--s", odds.toFixed(3));
  cell.tabIndex = -1;
  if (isFirst) cell.classList.add("first");
  const said = () => {
    const top = listed.map((one) => `${quoted(one.text)} ${percent(one.odds)}`).join(", ");
    $("lens-said").textContent = `${layerName(layer.name, number, count)}, after ${quoted(answer.tokens[answer.places[column]])}: ${top}. The model’s final answer stands ${ordinal(layer.final_rank[column])} here, with ${percent(layer.final_odds[column])}.${isFirst ? " Here it is first for the first time." : ""}`;
  };
  cell.setAttribute("aria-label", `${visible(listed[0].text)}, ${percent(odds)}${isFirst ? ", the final answer, first here" : ""}`);
  cell.onfocus = said; cell.onpointerenter = said;
  cell.onclick = () => cell.focus();
  return cell;
}

function lensKey(event, cells) {
  const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!move) return;
  const y = cells.findIndex((row) => row.includes(event.target)), x = y < 0 ? -1 : cells[y].indexOf(event.target);
  const to = y < 0 ? null : (cells[y + move[0]] || [])[x + move[1]];
  event.preventDefault();
  if (!to) return;
  event.target.tabIndex = -1; to.tabIndex = 0;
  to.focus();
}
