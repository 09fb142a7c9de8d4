// Recipes as cards: radio buttons, so that arrow keys and screen readers know them. What a card
// claims holds for its recipe; once a setting was changed, the card says that instead.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const row = $("row"), fold = $("fold"), NOTE = "gtt-recipes-folded";
const SOON = 350; // milliseconds after the last change until the draft is asked for
const SHOWN = 3; // names of changed settings that are told; of more, how many
let key = "", recipes = [], draft = { recipe: "", changes: [] }, timer = 0, asked = 0;

function part(parent, kind, name, text) {
  const made = document.createElement(kind);
  made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}

function attach(value) {
  const next = value || {};
  recipes = next.recipes || [];
  draft = next.draft || draft;
  key = next.workspace || key;
  row.textContent = "";
  for (const recipe of recipes) {
    const label = part(row, "label", "", ""), title = part(label, "span", "title", "");
    const radio = document.createElement("input");
    radio.type = "radio"; radio.name = "recipe"; radio.value = recipe.name;
    radio.onclick = () => pick(recipe.name); // also of the one that is chosen: it begins anew
    title.append(radio);
    part(title, "span", "", recipe.title);
    part(label, "span", "figures", "");
  }
  show();
}

function pick(name) {
  draft = { recipe: name, changes: [] };
  show();
  trigger("picked", { recipe: name });
}

function show() {
  const { recipe: chosen, changes } = draft, isChanged = changes.length > 0;
  [...row.children].forEach((label, i) => {
    const recipe = recipes[i], isThis = recipe.name === chosen;
    const figures = label.querySelector(".figures");
    label.className = `${recipe.away ? "away" : ""} ${isThis && isChanged ? "changed" : ""}`;
    label.querySelector("input").checked = isThis;
    const settings = changes.length === 1 ? "1 setting" : `${changes.length} settings`;
    const lines = isThis && isChanged ? ["changed:", settings] : recipe.figures;
    figures.replaceChildren();
    for (const line of lines) part(figures, "span", "", line);
  });
  const known = recipes.find((one) => one.name === chosen);
  $("chosen").textContent = known ? `· ${known.title}${isChanged ? ", changed" : ""}` : "";
  $("summary").textContent = known ? known.summary : "";
  const more = changes.length - SHOWN, told = changes.slice(0, SHOWN).join(", ");
  const others = more > 0 ? ` and ${more} more` : "";
  $("changes").textContent = isChanged ? `Changed: ${told}${others}.` : "";
  $("back").hidden = !isChanged;
  $("back").textContent = known ? `Back to ${known.title}` : "";
}

// The draft is on the server, where other tabs change it too.
async function ask() {
  if (!key) return;
  const mine = (asked += 1);
  try {
    const { gttAsked } = document.documentElement.dataset;
    const answer = await server.draft({ workspace: key, asked: gttAsked });
    if (mine !== asked || !answer || answer.error) return;
    draft = answer;
    show();
  } catch (error) { /* asked again with the next change */ }
}

function heard(event) {
  if (!element.isConnected) { document.removeEventListener("gtt:draft", heard); return; }
  clearTimeout(timer);
  timer = setTimeout(ask, SOON);
}

$("back").onclick = () => pick(draft.recipe);
fold.ontoggle = () => {
  try { localStorage.setItem(NOTE, fold.open ? "" : "yes"); } catch (error) { /* not kept, then */ }
};
try { fold.open = localStorage.getItem(NOTE) !== "yes"; } catch (error) { /* open, then */ }
document.addEventListener("gtt:draft", heard);
watch("value", () => attach(props.value));
attach(props.value);
