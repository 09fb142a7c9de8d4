/** A text that somebody brings to the desk; one that is refused is not sent at all. */
import { sendFile } from "../../lib/api.js";
import { around, listen } from "../../lib/dom.js";
import { change } from "../../lib/draft.js";
import { say } from "../../lib/page.js";
import { readSources } from "../../lib/sources.js";

/** @param {number} bytes */
const inWords = (bytes) => `${(bytes / 1e6).toPrecision(3)} MB`;

/**
 * @param {HTMLElement} element while it is on the page
 * @param {number} most bytes
 */
export function takeFiles(element, most) {
  /**
   * In place of Gradio's own way, which would keep a second copy of it.
   *
   * @param {Event} event
   * @param {FileList | null | undefined} files
   */
  function take(event, files) {
    const [file] = files || [];
    if (!file || !around(event, "#upload")) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (file.size <= most) return void bring(file);
    say(
      `“${file.name}” has ${inWords(file.size)}, and ${inWords(most)} are the most that this ` +
        "server takes: bring a part of it.",
    );
  }

  listen(element, "drop", (event) => take(event, event.dataTransfer?.files), { capture: true });
  listen(
    element,
    "change",
    (event) => {
      if (!around(event, '#upload input[type="file"]')) return;
      take(event, event.target.files);
      event.target.value = "";
    },
    { capture: true },
  );
}

/** @param {File} file */
async function bring(file) {
  const answer = await sendFile(file, (share) =>
    say(share < 1 ? `“${file.name}”: ${Math.floor(100 * share)} % are sent.` : ""),
  );
  if (answer.error) return say(answer.error.message);
  await readSources();
  await change({ config: { data: { source: answer.source } } });
}
