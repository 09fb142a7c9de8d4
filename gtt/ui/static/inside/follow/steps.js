// One step at a time: what happens, its formula, the numbers in it, and where the stream stands.
let path = null, at = 0;

function showPath() {
  $("all").hidden = !path;
  $("empty").hidden = Boolean(path) || Boolean(picker.run);
  if (!path) return;
  $("cut").textContent = path.cut ? `The first ${path.cut} token${path.cut > 1 ? "s" : ""} of the text ${path.cut > 1 ? "are" : "is"} left out: the last ${path.tokens.length} fit.` : "";
  $("tokens").replaceChildren(...path.tokens.map((token, place) => {
    const one = document.createElement("button");
    one.type = "button"; one.textContent = visible(token); one.setAttribute("aria-pressed", String(place === path.place));
    one.setAttribute("aria-label", `token ${place}: ${visible(token)}`);
    one.onclick = () => { wantedPlace = place; spot = null; follow(); };
    return one;
  }));
  at = Math.min(at, path.steps.length - 1);
  $("list").replaceChildren(...path.steps.map((step, i) => {
    const item = document.createElement("li"), one = document.createElement("button");
    one.type = "button"; one.textContent = `${i + 1}. ${step.title}`; one.onclick = () => go(i, false);
    item.append(one);
    return item;
  }));
  showStep();
}

function go(to, moved) {
  if (!path) return;
  at = Math.max(0, Math.min(path.steps.length - 1, to));
  showStep();
  const one = $("list").children[at].firstChild;
  if (moved) one.focus();
  // The list scrolls sideways on a phone; the page stays where it is.
  if ($("list").scrollWidth > $("list").clientWidth) $("list").scrollLeft = one.offsetLeft - $("list").offsetLeft - 20;
}

function showStep() {
  const step = path.steps[at];
  for (const [i, item] of [...$("list").children].entries()) if (i === at) item.firstChild.setAttribute("aria-current", "step"); else item.firstChild.removeAttribute("aria-current");
  $("back").disabled = at === 0; $("next").disabled = at === path.steps.length - 1;
  $("count").textContent = `Step ${at + 1} of ${path.steps.length}`;
  for (const name of ["title", "name", "formula", "numbers"]) $(name).textContent = step[name];
  showWorked(step);
  const odds = step.columns === "candidates";
  $("vectors").hidden = odds; $("legend").hidden = odds; $("read").hidden = odds; $("candidates").hidden = !odds;
  if (odds) showCandidates(step); else showVectors(step, path.tokens);
  showStream(step);
}

// The formula with the actual numbers, for the number that the strips mark.
function showWorked(step) {
  const which = document.createElement("span");
  which.className = "spot"; which.textContent = `${placeOf(step, step.row, step.column)}: `;
  $("worked").replaceChildren(which, step.worked);
}

const KINDS = { width: "number", head: "number", hidden: "unit", tokens: "place" };
function placeOf(step, row, column) {
  if (step.columns === "candidates") return `“${visible(step.texts[column] || "")}”`;
  const token = step.columns === "tokens" ? ` “${visible(path.tokens[column])}”` : "";
  return `${step.rows.length > 1 ? `Head ${row}, ` : ""}${KINDS[step.columns]} ${column}${token}`;
}

function workOut(row, column) {
  spot = { step: path.steps[at].name, row, column };
  follow();
}

function showCandidates(step) {
  const most = Math.max(...step.rows[0]), hadFocus = $("candidates").contains(document.activeElement);
  $("candidates").replaceChildren(...step.rows[0].map((odds, i) => {
    const item = document.createElement("li"), word = document.createElement("button"), bar = document.createElement("span"), share = document.createElement("span");
    word.className = "word"; word.textContent = visible(step.texts[i] || ""); bar.className = "odds"; bar.style.width = `${(100 * odds) / most}%`; share.className = "share"; share.textContent = percent(odds);
    word.type = "button"; word.title = "Work out these odds"; word.setAttribute("aria-pressed", String(i === step.column));
    word.onclick = () => workOut(0, i);
    item.append(word, bar, share);
    return item;
  }));
  if (hadFocus) $("candidates").children[step.column].querySelector("button").focus();
}

// The point of the stream that a step reads from or has written.
function pointOf(step) {
  const names = path.stream.map((one) => one.name), exact = names.indexOf(step.name);
  if (exact >= 0) return exact;
  if (["logits", "final", "ln_f"].includes(step.name)) return names.length - 1;
  const found = /^h\.(\d+)\.(.+)$/.exec(step.name);
  if (!found) return 0;
  const after = /^(mlp|ln_2)/.test(found[2]) ? names.indexOf(`h.${found[1]}.resid_mid`) : Number(found[1]) ? names.indexOf(`h.${found[1] - 1}.resid_post`) : 0;
  return Math.max(0, after);
}

function showStream(step) {
  const here = pointOf(step), most = Math.max(...path.stream.map((one) => one.length)) || 1;
  $("stream").replaceChildren(...path.stream.map(({ name, length }, i) => {
    const one = document.createElement("div"), bar = document.createElement("i"), value = document.createElement("span"), label = document.createElement("span");
    const found = /^h\.(\d+)\.resid_(mid|post)$/.exec(name);
    label.textContent = found ? `${found[2] === "mid" ? "attention" : "MLP"} ${found[1]}` : "embedding"; label.title = name;
    value.textContent = length.toFixed(2); bar.style.height = `${Math.max(2, (90 * length) / most)}px`;
    if (i === here) { one.className = "here"; one.setAttribute("aria-current", "true"); }
    one.append(value, bar, label);
    return one;
  }));
}

$("back").onclick = () => go(at - 1, false);
$("next").onclick = () => go(at + 1, false);
$("all").addEventListener("keydown", (event) => {
  const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const inside = $("list").contains(event.target) || $("step").contains(event.target);
  if (!way || !inside) return;
  event.preventDefault();
  go(at + way, $("list").contains(event.target));
});
