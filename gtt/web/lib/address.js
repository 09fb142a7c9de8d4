/** The page's address: the tab and the run that are looked at stay in it, for a reload. */
import { addressAsks, useAddress } from "./api.js";

/**
 * Keeps a value in the address, or takes it out.
 *
 * @param {string} name
 * @param {string | null | undefined} value
 */
export function note(name, value) {
  const address = new URL(location.href);
  if (value) address.searchParams.set(name, value);
  else address.searchParams.delete(name);
  if (address.href !== location.href) history.replaceState(null, "", address);
}

/** What the address asked for is the draft by now, or cannot be. */
export function forgetAddress() {
  if (!addressAsks()) return;
  useAddress("");
  strip();
}

/** A reload must not undo what is changed from now on; the tab and the run stay. */
export function strip() {
  const address = new URL(location.href);
  for (const name of ["recipe", "set"]) address.searchParams.delete(name);
  history.replaceState(null, "", address);
}

/** The name of a tab in an address. @param {Element} tab */
export const nameOfTab = (tab) => (tab.textContent || "").trim().toLowerCase();

/** The name of the tab that is open, empty where there are none. */
export function tabShown() {
  const tab = document.querySelector('#tabs [role="tab"][aria-selected="true"]');
  return tab ? nameOfTab(tab) : "";
}

/** Opens a tab by its name in an address. @param {string} name */
export function showTab(name) {
  const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('#tabs [role="tab"]')]);
  tabs.find((tab) => nameOfTab(tab) === name)?.click();
}
