/** What could not be saved stands beside the field that asked for it, until that field changes. */
import { add } from "../../lib/dom.js";
import { controlOf, refused, touched } from "../../lib/draft.js";

/**
 * Those of the model have ways out, which the estimate shows.
 *
 * @param {HTMLElement} element while it is on the page
 */
export function showRefusals(element) {
  /** @type {Map<string, { field: HTMLElement, box: HTMLElement }>} */
  const shown = new Map();

  /** @param {string} setting */
  function forget(setting) {
    const one = shown.get(setting);
    if (!one) return;
    mark(one.field, null);
    one.box.remove();
    shown.delete(setting);
  }

  refused.follow(element, (refusal) => {
    if (!refusal || refusal.setting.startsWith("model.")) return;
    forget(refusal.setting);
    const field = controlOf(refusal.setting);
    if (!field) return;
    const box = add(field, "p", { class: "gtt-refusal", text: refusal.message });
    box.id = `refused-${field.id}`;
    box.setAttribute("role", "alert");
    mark(field, box.id);
    shown.set(refusal.setting, { field, box });
  });
  touched.follow(element, (settings) => settings.forEach(forget));
}

/** @param {HTMLElement} field @param {string | null} id of what tells why it is invalid */
function mark(field, id) {
  for (const input of field.querySelectorAll("input, textarea")) {
    if (id) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", id);
    } else {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  }
}
