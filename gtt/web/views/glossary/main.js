/** The glossary in a dialog, and a question mark beside every setting that explains it there. */
import { concepts } from "../../lib/concepts.js";
import { add, around, listen, partsOf } from "../../lib/dom.js";
import { explained, say } from "../../lib/page.js";
import { explainSettings } from "./settings.js";
import { addParagraphs, addTerm, inOrder } from "./terms.js";

const LOST = "The glossary does not come: try again in a moment.";

/** @param {HTMLElement} element */
export function mount(element) {
  const part = partsOf(element);
  const dialog = part("dialog");
  const found = /** @type {import("./terms.js").Entry[]} */ ([]);

  async function build() {
    const terms = Object.entries(await concepts());
    if (found.length) return;
    for (const [id, term] of terms) found.push(addTerm(part("terms"), id, term));
  }

  function search() {
    const shown = inOrder(found, part("find").value);
    for (const entry of found) entry.box.hidden = !shown.includes(entry);
    part("terms").prepend(...shown.map((entry) => entry.box));
    part("terms").scrollTop = 0;
    part("count").textContent = shown.length === 1 ? "1 term" : `${shown.length} terms`;
  }

  /** @param {string} concept where it is opened; empty for the search */
  async function open(concept) {
    await build();
    if (!found.length) return say(LOST);
    part("find").value = "";
    search();
    for (const entry of found) entry.box.open = entry.id === concept;
    if (!dialog.open) dialog.showModal();
    const entry = found.find((one) => one.id === concept);
    if (!entry) return part("find").focus();
    part("terms").scrollTop = entry.box.offsetTop - part("terms").offsetTop;
    entry.head.focus({ preventScroll: true });
  }

  part("open").onclick = () => open("");
  part("close").onclick = () => dialog.close();
  part("find").oninput = search;
  dialog.onclick = (/** @type {MouseEvent} */ event) => {
    if (event.target === dialog) dialog.close(); // beside it
  };
  explained.follow(element, open);
  const explainSetting = explainSettings(element, (box, id, body) => {
    addParagraphs(box, body);
    add(box, "button", { class: "gtt-link", text: "All terms", type: "button" }).onclick = () =>
      open(id);
  });
  listen(element, "click", (event) => {
    const button = around(event, "button.gtt-why");
    if (!button) return;
    event.preventDefault();
    if (button.dataset.setting) explainSetting(button);
    else open(button.dataset.concept || "");
  });
}
