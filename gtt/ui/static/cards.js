// Recipes as cards: radio buttons, so that arrow keys and screen readers know them. They lie in one
// strip, which folds once there is a run to look at.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const row = $("row"), fold = $("fold"), NOTE = "gtt-recipes";
let isTouched = false;

function part(parent, kind, name, text) {
  const made = document.createElement(kind);
  made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}

function attach(value) {
  const { recipes = [], chosen = "" } = value || {};
  row.textContent = "";
  for (const recipe of recipes) {
    const label = part(row, "label", recipe.away ? "away" : "", ""), title = part(label, "span", "title", "");
    const radio = document.createElement("input");
    radio.type = "radio"; radio.name = "recipe"; radio.value = recipe.name; radio.checked = recipe.name === chosen;
    radio.onchange = () => { name(recipe.title); trigger("picked", { recipe: recipe.name }); };
    title.append(radio, recipe.title);
    part(label, "span", "figures", recipe.figures);
    part(label, "span", "summary", recipe.summary);
    if (radio.checked) name(recipe.title);
  }
}

function name(title) { $("chosen").textContent = `· ${title}`; }

function folded(is) {
  fold.open = !is;
  try { localStorage.setItem(NOTE, is ? "folded" : "open"); } catch (error) { /* a browser that keeps nothing */ }
}

function heard(event) {
  if (!element.isConnected) {
    for (const one of ["gtt:runs", "gtt:started"]) document.removeEventListener(one, heard);
    return;
  }
  if (event.type === "gtt:started") { isTouched = false; folded(true); }
  else if (!isTouched) { isTouched = true; folded(event.detail.length > 0); }
}

fold.querySelector("summary").onclick = () => { isTouched = true; };
try { fold.open = localStorage.getItem(NOTE) !== "folded"; } catch (error) { /* open, then */ }
document.addEventListener("gtt:runs", heard);
document.addEventListener("gtt:started", heard);
watch("value", () => attach(props.value));
attach(props.value);
