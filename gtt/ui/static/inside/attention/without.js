// Heads switched off: what becomes of the losses and of the next token.
let off = new Set(), withoutTurn = 0;

function toggleOff(name) {
  if (off.has(name)) off.delete(name); else off.add(name);
  markGrid();
  drawCard();
  loadWithout();
}

async function loadWithout() {
  const turn = (withoutTurn += 1), heads = [...off].map((name) => { const [layer, head] = name.split(".").map(Number); return { layer, head }; });
  listOff();
  $("off-hint").hidden = heads.length > 0;
  if (!heads.length || !seen) { clearWithout(); return; }
  $("off-said").textContent = "Measuring without it…";
  const answer = await ask("without", { ...seen.chosen, text: seen.text, heads });
  if (turn !== withoutTurn) return;
  if (!answer) { clearWithout(); return; }
  drawWithout(answer);
}

function clearWithout() {
  $("off-said").textContent = "";
  $("off-losses").replaceChildren();
  $("off-odds").replaceChildren();
}

function listOff() {
  const names = [...off].sort();
  const buttons = names.map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${name} on again`;
    button.setAttribute("aria-label", `Head ${name} on again`);
    button.onclick = () => toggleOff(name);
    return button;
  });
  if (names.length) {
    const all = document.createElement("button");
    all.type = "button";
    all.textContent = "All on again";
    all.onclick = () => { off = new Set(); markGrid(); drawCard(); loadWithout(); };
    buttons.push(all);
  }
  $("off-list").replaceChildren(...buttons);
}

const who = () => { const names = [...off].sort(); return names.length === 1 ? `head ${names[0]}` : `heads ${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`; };

function drawWithout(answer) {
  const change = answer.validation === null ? null : answer.validation_without - answer.validation;
  const [first] = [...answer.next].sort((a, b) => b.odds - a.odds), [after] = [...answer.next].sort((a, b) => b.odds_without - a.odds_without);
  const loss = change === null ? "" : Math.abs(change) < 0.005 ? `Without ${who()} the validation loss hardly changes (${signed(change)} nats per token): the model does without.` : change > 0 ? `Without ${who()} the validation loss rises by ${change.toFixed(2)} to ${answer.validation_without.toFixed(2)} nats per token: the right token becomes ${Math.exp(change).toFixed(2)} times less likely${change > 0.2 ? ", the model relies on this" : ""}.` : `Without ${who()} the validation loss even falls by ${(-change).toFixed(2)} nats per token: here it does harm.`;
  const next = first.id === after.id ? `The likeliest next token stays ${quoted(first.text)}, ${percent(first.odds)} before and ${percent(first.odds_without)} after.` : `The likeliest next token was ${quoted(first.text)} (${percent(first.odds)}, now ${percent(first.odds_without)}); it becomes ${quoted(after.text)} (${percent(after.odds_without)}).`;
  $("off-said").textContent = `${loss} ${next} The maps above remain those of the whole model.`;
  table(answer);
  bars(answer.next);
}

const signed = (v) => `${v < 0 ? "−" : "+"}${Math.abs(v).toFixed(3)}`;

function table(answer) {
  const lines = [["Validation loss", answer.validation, answer.validation_without], ["Loss of your text", answer.loss, answer.loss_without]].filter((line) => line[1] !== null);
  const rows = [["nats per token", "all heads", "without", "change"], ...lines.map(([name, a, b]) => [name, a.toFixed(3), b.toFixed(3), signed(b - a)])];
  const made = document.createElement("table");
  rows.forEach((row, i) => {
    const line = made.insertRow();
    row.forEach((text, j) => { const cell = document.createElement(i && j ? "td" : "th"); cell.textContent = text; cell.scope = i ? "row" : "col"; line.append(cell); });
  });
  $("off-losses").replaceChildren(made);
}

function bars(next) {
  next = next.filter((one, i) => i < 3 || Math.max(one.odds, one.odds_without) >= 0.001).slice(0, 8);
  const widest = Math.max(...next.flatMap((one) => [one.odds, one.odds_without])) || 1;
  const head = document.createElement("p");
  head.className = "hint";
  head.textContent = "The next token after your text: filled with all heads, outlined without.";
  $("off-odds").replaceChildren(head, ...next.map((one) => {
    const row = document.createElement("div"), name = document.createElement("code"), pair = document.createElement("span"), told = document.createElement("span");
    row.className = "pair";
    name.textContent = visible(one.text);
    for (const [kind, value] of [["before", one.odds], ["after", one.odds_without]]) {
      const bar = document.createElement("i");
      bar.className = kind;
      bar.style.width = `${(100 * value) / widest}%`;
      pair.append(bar);
    }
    told.textContent = `${percent(one.odds)} → ${percent(one.odds_without)}`;
    row.append(name, pair, told);
    return row;
  }));
}
