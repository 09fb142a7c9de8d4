/**
 * Files of the run that is looked at. A desk of one's own is opened by a key in a header, which a
 * link cannot send: the file is fetched with it and handed to the browser from memory.
 */
import { partsOf } from "../../lib/dom.js";
import { findRun } from "../../lib/run_id.js";
import { fetchFile, handOver } from "./file.js";
import { addFormats } from "./formats.js";
import { bestCheckpoint, requestOf } from "./requests.js";

const PREPARING = "Preparing the file…";
const LOST = "The connection was lost: try again.";

/**
 * @param {HTMLElement} element
 * @param {import("../../types/view").Gradio} gradio `formats` that a model is exported as; where
 *   the
 *   desk is `shared` no key is needed
 */
export function mount(element, { props }) {
  const part = partsOf(element);
  addFormats(part("metrics"), props.formats);
  const buttons = /** @type {HTMLButtonElement[]} */ ([...element.querySelectorAll("[data-file]")]);
  let stopper = new AbortController();

  const say = (/** @type {string} */ sentence) => {
    part("said").textContent = sentence;
  };

  /** @param {boolean} isBusy */
  function lock(isBusy) {
    for (const button of buttons) button.disabled = isBusy;
    part("cancel").hidden = !isBusy;
  }

  /** What is chosen beside the buttons. */
  const chosen = () => ({
    unit: part("unit").value,
    log: part("log").checked,
    dark: part("dark").checked,
    weights: part("weights").value,
  });

  /** @param {string} kind */
  async function take(kind) {
    const { signal } = stopper;
    const { id, refusal } = await findRun();
    if (!id) return refusal;
    if (kind === "zip" && props.shared) {
      // The browser writes it straight to disk.
      const place = `api/runs/${encodeURIComponent(id)}/archive`;
      handOver(element, new URL(place, document.baseURI).href, `${id}.zip`);
      return "The browser is saving the file.";
    }
    const best = kind === "model" ? await bestCheckpoint(id) : null;
    const request = best || requestOf(kind, id, chosen());
    const file = await fetchFile(request, signal, say);
    if ("refusal" in file) return file.refusal;
    const address = URL.createObjectURL(file.content);
    handOver(element, address, file.name);
    setTimeout(() => URL.revokeObjectURL(address), 60000);
    return `Saved ${file.name}.`;
  }

  for (const button of buttons) {
    button.onclick = async () => {
      stopper = new AbortController();
      lock(true);
      say(PREPARING);
      try {
        say(await take(button.dataset.file || ""));
      } catch {
        say(stopper.signal.aborted ? "Cancelled." : LOST);
      }
      lock(false);
    };
  }
  part("cancel").onclick = () => stopper.abort();
}
