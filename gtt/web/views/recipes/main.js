/**
 * Recipes as cards: radio buttons, so that arrow keys and screen readers know them. What a card
 * claims holds for its recipe; once a setting was changed, the card says that instead.
 *
 * @typedef {import("./figures.js").Recipe} Recipe
 */
import { desk } from "../../lib/api.js";
import { newest } from "../../lib/asking.js";
import { add, partsOf } from "../../lib/dom.js";
import { change, draft as news } from "../../lib/draft.js";
import { isActive, turn, wanted } from "../../lib/store.js";
import { figuresOf } from "./figures.js";

const NOTE = "gtt-recipes-folded";
const SHOWN = 3; // names of changed settings that are told; of more, how many

/**
 * @param {HTMLElement} element
 * @param {import("../../types/view").Gradio} gradio its value is the list of recipes
 */
export function mount(element, { props }) {
  const part = partsOf(element);
  const ask = newest(() => {});
  let recipes = /** @type {Recipe[]} */ (props.value);
  let draft = { recipe: recipes[0].name, changed: /** @type {string[]} */ ([]) };
  let begun = ""; // the desk that was asked
  let wasActive = false;

  const cards = recipes.map((recipe) => {
    const label = add(part("row"), "label");
    const title = add(label, "span", { class: "title" });
    const radio = add(title, "input", { type: "radio" });
    radio.name = "recipe";
    radio.value = recipe.name;
    radio.onclick = () => pick(recipe.name); // also of the one that is chosen: it begins anew
    add(title, "span", { text: recipe.title });
    return { label, radio, figures: add(label, "span", { class: "figures" }) };
  });

  /** @param {string} name */
  function pick(name) {
    draft = { recipe: name, changed: [] };
    show();
    change({ recipe: name });
  }

  function show() {
    const { changed } = draft;
    cards.forEach(({ label, radio, figures }, i) => {
      const isThis = recipes[i].name === draft.recipe;
      const isChanged = isThis && changed.length > 0;
      label.className = `${recipes[i].lacks_gpu ? "away" : ""} ${isChanged ? "changed" : ""}`;
      radio.checked = isThis;
      const settings = changed.length === 1 ? "1 setting" : `${changed.length} settings`;
      const lines = isChanged ? ["changed:", settings] : figuresOf(recipes[i]);
      figures.replaceChildren();
      for (const text of lines) add(figures, "span", { text });
    });
    const chosen = recipes.find(({ name }) => name === draft.recipe) || recipes[0];
    part("chosen").textContent = `· ${chosen.title}${changed.length ? ", changed" : ""}`;
    part("summary").textContent = chosen.summary;
    const more = changed.length - SHOWN;
    const others = more > 0 ? ` and ${more} more` : "";
    const told = `Changed: ${changed.slice(0, SHOWN).join(", ")}${others}.`;
    part("changes").textContent = changed.length ? told : "";
    part("back").hidden = !changed.length;
    part("back").textContent = `Back to ${chosen.title}`;
  }

  /** What a recipe takes here is known better with each run. */
  async function readRecipes() {
    const answer = await ask("recipes", {});
    if (!answer) return;
    recipes = recipes.map((one) => answer.recipes.find(({ name }) => name === one.name) || one);
    show();
  }

  part("back").onclick = () => pick(draft.recipe);
  part("fold").ontoggle = () => {
    try {
      localStorage.setItem(NOTE, part("fold").open ? "" : "yes");
    } catch {
      // not kept, then
    }
  };
  try {
    part("fold").open = localStorage.getItem(NOTE) !== "yes";
  } catch {
    // open, then
  }
  const hear = () => {
    draft = news.value || draft;
    show();
  };
  news.follow(element, hear);
  /** The desk may be known later than this is mounted. */
  function begin() {
    if (desk() === begun) return;
    begun = desk();
    readRecipes();
  }
  wanted.follow(element, begin);
  turn.follow(element, (run) => {
    if (wasActive && !isActive(run)) readRecipes();
    wasActive = isActive(run);
  });
  hear();
  begin();
}
