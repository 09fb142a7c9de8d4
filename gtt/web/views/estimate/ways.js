/**
 * A change of the model that was refused, and the ways out of it, at the control that asked for it.
 *
 * @typedef {import("../../lib/draft.js").Refusal} Refusal
 */
import { add } from "../../lib/dom.js";
import { controlOf } from "../../lib/draft.js";

// Beside the control and so outside of the view, hence with styles of its own.
const BOX =
  "margin-top:.5rem;padding:.5rem .7rem;border:1px solid var(--error-border-color);" +
  "border-left-width:4px;border-radius:var(--radius-lg);background:var(--error-background-fill);" +
  "color:var(--error-text-color)";
const BUTTON =
  "font:inherit;font-size:var(--text-sm);margin:.4rem .4rem 0 0;padding:.25rem .7rem;" +
  "min-height:1.75rem;border:1px solid currentColor;border-radius:var(--radius-md);" +
  "background:var(--background-fill-primary);color:var(--body-text-color);cursor:pointer";
const ID = "gtt-refusal";

/** @param {HTMLElement} control @param {boolean} isInvalid */
function mark(control, isInvalid) {
  for (const input of control.querySelectorAll("input")) {
    if (isInvalid) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", ID);
    } else {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  }
}

export class WaysOut {
  /** @type {{ control: HTMLElement, box: HTMLElement, settings: string[] } | null} */
  #shown = null;

  /** @param {(way: { setting: string, value: unknown }) => void} take what a person chose */
  constructor(take) {
    this.take = take;
  }

  /**
   * One of the settings that do not fit shows another value.
   *
   * @param {string[]} [settings] all, if left out
   */
  forget(settings) {
    if (!this.#shown || settings?.every((one) => !this.#shown?.settings.includes(one))) return;
    mark(this.#shown.control, false);
    this.#shown.box.remove();
    this.#shown = null;
  }

  /** @param {Refusal} refusal */
  show(refusal) {
    const control = controlOf(refusal.setting);
    if (!control || !refusal.setting.startsWith("model.")) return;
    this.forget();
    const box = add(control, "div");
    box.id = ID;
    box.style.cssText = BOX;
    box.setAttribute("role", "alert");
    add(box, "p", { text: refusal.message }).style.margin = "0";
    for (const { label, setting, value } of refusal.ways) {
      const button = add(box, "button", { text: label, type: "button" });
      button.style.cssText = BUTTON;
      button.onclick = () => {
        this.forget();
        this.take({ setting, value });
        (controlOf(setting) || control).querySelector("input")?.focus();
      };
    }
    const settings = [refusal.setting, ...refusal.ways.map((way) => way.setting)];
    this.#shown = { control, box, settings };
    mark(control, true);
  }
}
