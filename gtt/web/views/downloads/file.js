/** A file from an endpoint to the browser. */
import { send } from "../../lib/api.js";

const TOLD = 1e6; // bytes between two words of how much has come

/**
 * What has no name is no file: it is why there is none.
 *
 * @param {import("./requests.js").Request} request
 * @param {AbortSignal} signal
 * @param {(sentence: string) => void} tell
 * @returns {Promise<{ content: Blob, name: string } | { refusal: string }>} throws where the
 *   connection breaks or `signal` ends it
 */
export async function fetchFile([endpoint, values], signal, tell) {
  const answer = await send(endpoint, values, { signal });
  const type = answer.headers.get("Content-Type") || "";
  const name = nameIn(answer.headers.get("Content-Disposition"));
  if (!name) return { refusal: (await answer.json()).error.message };
  const parts = /** @type {BlobPart[]} */ ([]);
  const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (answer.body).getReader();
  let size = 0;
  let told = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    size += part.value.length;
    if (size - told <= TOLD) continue;
    told = size;
    tell(`${(size / 1e6).toFixed(0)} MB so far…`);
  }
  return { content: new Blob(parts, { type }), name };
}

/**
 * The name of a file in the header that tells it, empty where there is none.
 *
 * @param {string | null} header
 */
export function nameIn(header) {
  const found = /filename\*=utf-8''([^;]+)/i.exec(header || "");
  return found ? decodeURIComponent(found[1]) : "";
}

/** @param {HTMLElement} element @param {string} address @param {string} name */
export function handOver(element, address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.hidden = true;
  element.append(link);
  link.click();
  link.remove();
}
