/**
 * What the app explains, which the server gives as one file beside the modules.
 *
 * @typedef {{ title: string, tip: string, body: string, kind: string, key: string }} Concept a
 *   body's paragraphs are parted by empty lines; the key is that of a setting
 */

/** @type {Promise<Record<string, Concept>> | null} */
let reading = null;

/** All concepts by id; read when the first one is wanted, and again after a failure. */
export function concepts() {
  reading ||= fetch(new URL("../concepts.json", import.meta.url))
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
    .catch(() => {
      reading = null;
      return {};
    });
  return reading;
}
