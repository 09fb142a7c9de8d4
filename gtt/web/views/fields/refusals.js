/** What could not be saved stands beside the field that asked for it, until that field changes. */
import { add } from "../../lib/dom.js";
import { draft, refused } from "../../lib/page.js";

/** The control of a setting. @param {string} setting */
export const fieldOf = (setting) => document.getElementById(setting.replace(".", "-"));

/** @param {HTMLElement} element while it is on the page */
export function showRefusals(element) {
  /** @type {Map<string, { field: HTMLElement, box: HTMLElement }>} */
  const shown = new Map();

  /** @param {string | undefined} setting */
  function forget(setting) {
    const one = shown.get(setting || "");
    if (!one) return;
    mark(one.field, null);
    one.box.remove();
    shown.delete(/** @type {string} */ (setting));
  }

  refused.follow(element, (refusal) => {
    if (!refusal) return;
    forget(refusal.setting);
    const field = fieldOf(refusal.setting);
    if (!field) return;
    const box = add(field, "p", { class: "gtt-refusal", text: refusal.message });
    box.id = `refused-${field.id}`;
    box.setAttribute("role", "alert");
    mark(field, box.id);
    shown.set(refusal.setting, { field, box });
  });
  draft.follow(element, (news) => {
    forget(news?.changed);
    forget(news?.saved);
  });
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
