// Recipes as cards: radio buttons, so that arrow keys and screen readers know them.
const row = element.querySelector('[data-part="row"]');

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
    const label = part(row, "label", "", ""), title = part(label, "span", "title", "");
    const radio = document.createElement("input");
    radio.type = "radio"; radio.name = "recipe"; radio.value = recipe.name; radio.checked = recipe.name === chosen;
    radio.onchange = () => trigger("picked", { recipe: recipe.name });
    title.append(radio, recipe.title);
    part(label, "span", "figures", recipe.figures);
    part(label, "span", "summary", recipe.summary);
  }
}

watch("value", () => attach(props.value));
attach(props.value);
