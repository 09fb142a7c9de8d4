/** Question marks: a click opens the explanation under what it belongs to, another closes it. */
import { concepts } from "../../lib/concepts.js";
import { add } from "../../lib/dom.js";

const HOSTS = ".field, .setting, h2, h3, p, .pick, .legend, .row, .figure";

/**
 * @param {HTMLElement} parent
 * @param {string} concept
 * @param {string} [title] what it is called here
 */
export function addWhy(parent, concept, title) {
  const button = add(parent, "button", { class: "why", text: "?", type: "button" });
  button.dataset.concept = concept;
  nameWhy(button, title);
}

/** @param {HTMLElement} button @param {string} [title] */
async function nameWhy(button, title) {
  button.ariaExpanded = "false";
  const concept = (await concepts())[button.dataset.concept || ""];
  const name = title || concept?.title || button.dataset.concept || "";
  button.ariaLabel = `What is ${name.toLowerCase()}?`;
  if (concept) button.title = concept.tip;
}

/**
 * Concepts are markdown with `code` and nothing else that matters here.
 *
 * @param {HTMLElement} box
 * @param {string} body
 */
function addBody(box, body) {
  for (const text of body.split("\n\n")) {
    const paragraph = add(box, "p");
    text.split("`").forEach((piece, i) => {
      if (i % 2) add(paragraph, "code", { text: piece });
      else paragraph.append(piece);
    });
  }
}

/**
 * Names the question marks of the template and answers all of them.
 *
 * @param {HTMLElement} element
 */
export function explainWithin(element) {
  for (const button of element.querySelectorAll("button.why")) {
    if (button instanceof HTMLElement) nameWhy(button);
  }
  element.addEventListener("click", async (event) => {
    const { target } = event;
    const button = target instanceof Element ? target.closest("button.why") : null;
    if (!(button instanceof HTMLElement)) return;
    event.preventDefault(); // also where it stands in a label or a summary
    const host = button.closest(HOSTS) || button;
    const id = button.dataset.concept || "";
    const below = host.nextElementSibling;
    if (below instanceof HTMLElement && below.dataset.of === id) {
      below.remove();
      button.ariaExpanded = "false";
      return;
    }
    const concept = (await concepts())[id];
    if (!concept) return;
    const box = document.createElement("div");
    box.className = "about";
    box.dataset.of = id;
    add(box, "strong", { text: concept.title });
    add(box, "p", { class: "tip-line", text: concept.tip });
    addBody(box, concept.body);
    host.after(box);
    button.ariaExpanded = "true";
  });
}
