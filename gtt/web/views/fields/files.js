/** A file that the server would refuse is not sent to it at all. */
import { around, listen } from "../../lib/dom.js";
import { say } from "../../lib/page.js";

/** @param {number} bytes */
const inWords = (bytes) => `${(bytes / 1e6).toPrecision(3)} MB`;

/**
 * @param {HTMLElement} element while it is on the page
 * @param {number} most bytes
 */
export function refuseLargeFiles(element, most) {
  /** @param {Event} event @param {FileList | null | undefined} files */
  function look(event, files) {
    if (!around(event, "#upload")) return false;
    const large = [...(files || [])].find((file) => file.size > most);
    if (!large) return false;
    event.stopImmediatePropagation();
    event.preventDefault();
    say(
      `“${large.name}” has ${inWords(large.size)}, and ${inWords(most)} are the most that this ` +
        "server takes: bring a part of it.",
    );
    return true;
  }

  listen(element, "drop", (event) => look(event, event.dataTransfer?.files), { capture: true });
  listen(
    element,
    "change",
    (event) => {
      if (look(event, event.target.files)) event.target.value = "";
    },
    { capture: true },
  );
}
