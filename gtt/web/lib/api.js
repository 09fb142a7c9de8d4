/**
 * The one way to the server: its REST table, with the key of the desk.
 *
 * @typedef {import("../types/ask").Fault} Fault
 * @typedef {import("../types/ask").Name} Name
 */
import { ENDPOINTS } from "./table.js";

const LONGEST_WAIT = 10000; // milliseconds that a busy server is left alone at most
const LOST = "The server does not answer: try again in a moment.";
const EVENTS = "text/event-stream";
const BUSY = ["rate_limited", "busy"];

const state = {
  key: "",
  patience: 0, // milliseconds that a busy server asked for
  failures: 0, // questions in a row that nobody answered
  server: "", // which start of the server answered last
  asked: "", // by the page's address
  isHostTried: false,
};

/** Everything is asked for the desk of this key from now on. @param {string} key */
export function useDesk(key) {
  state.key = key;
}

/**
 * What the page's address asks for and nobody has kept yet, as its query: questions about the draft
 * are about that one then, and it is what a change is made to.
 *
 * @param {string} query
 */
export function useAddress(query) {
  state.asked = query;
}

/** Whether it asks for something that is not kept yet. */
export const addressAsks = () => Boolean(state.asked);

/** The key of the desk, empty before the page knows it. */
export const desk = () => state.key;

/** Milliseconds to wait before asking again what is asked again and again. @param {number} usual */
export function pause(usual) {
  return Math.max(usual, state.patience, state.failures ? 2000 : 0);
}

/** How often in a row nobody answered. */
export const failures = () => state.failures;

/** Whether a refusal only asks to come back later. @param {Fault | undefined} fault */
export const isBusy = (fault) => Boolean(fault && BUSY.includes(fault.code));

/**
 * The answer of an endpoint, or `{error}` with a sentence for people; it never throws.
 *
 * @template {Name} N
 * @param {N} name of the endpoint
 * @param {import("../types/ask").Values<N>} values in the path, the query or the body
 * @returns {Promise<import("../types/ask").Reply<N>>}
 */
export async function ask(name, values) {
  try {
    const answer = await send(name, values);
    noteServer(answer);
    const body = await answer.json();
    state.patience = isBusy(body.error) ? Math.min(LONGEST_WAIT, 2 * state.patience || 1500) : 0;
    state.failures = 0;
    return body;
  } catch {
    state.failures += 1;
    return /** @type {any} */ ({ error: fault("lost", LOST) });
  }
}

/**
 * An answer that comes bit by bit, as server-sent events; `take` gets each part. It answers with
 * what went wrong, null where all has come or `signal` has ended it; it never throws.
 *
 * @template {Name} N
 * @param {N} name
 * @param {import("../types/ask").Values<N>} values
 * @param {(part: import("../types/ask").Answer<N>) => void} take
 * @param {AbortSignal} signal
 * @returns {Promise<Fault | null>}
 */
export async function stream(name, values, take, signal) {
  try {
    const answer = await send(name, values, { signal, headers: { Accept: EVENTS } });
    noteServer(answer);
    if (!answer.body || !answer.headers.get("Content-Type")?.startsWith(EVENTS)) {
      return await refusalOf(answer);
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return null;
      const events = (rest + value).split("\n\n");
      rest = events.pop() || "";
      for (const event of events.map(eventOf)) {
        if (event.kind === "error") return event.data.error;
        if (event.kind === "part") take(event.data);
      }
    }
  } catch {
    return signal.aborted ? null : fault("lost", LOST);
  }
}

/**
 * A server-sent event; of a comment, which only shows that the line is alive, nothing is left.
 *
 * @param {string} text
 */
export function eventOf(text) {
  const lines = text.split("\n");
  const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
  const kind = lines.find((line) => line.startsWith("event: "))?.slice(7) || "part";
  if (!data.length) return { kind: "comment", data: null };
  return { kind, data: JSON.parse(data.join("\n")) };
}

/** What was answered instead of a stream. @param {Response} answer @returns {Promise<Fault>} */
async function refusalOf(answer) {
  let refusal = fault("busy", `The server refused (${answer.status}): try again in a moment.`);
  try {
    refusal = (await answer.json()).error || refusal;
  } catch {
    // no body of ours, as from a proxy
  }
  const wait = Number(answer.headers.get("Retry-After"));
  if (wait > 0 && !/\d+ second|a second/.test(refusal.message)) {
    refusal.message += ` In about ${Math.ceil(wait)} s there should be room.`;
  }
  return refusal;
}

/** @param {string} code @param {string} message @returns {Fault} */
const fault = (code, message) => ({ code, message, field: null, ways: [] });

/**
 * The answer as it comes over the network: for streams and files. Throws where nobody answers.
 *
 * @param {Name} name
 * @param {object} values
 * @param {RequestInit} more
 */
export function send(name, values, more = {}) {
  const [method, path] = ENDPOINTS[name];
  const left = { .../** @type {Record<string, unknown>} */ (values) };
  let address = path.slice(1).replace(/{(\w+)}/g, (_, field) => {
    const value = encodeURIComponent(String(left[field]));
    delete left[field];
    return value;
  });
  const headers = new Headers(more.headers);
  for (const [header, value] of ours()) headers.set(header, value);
  const request = { ...more, method, headers };
  if (method === "POST" || method === "PATCH") {
    headers.set("Content-Type", "application/json");
    request.body = JSON.stringify(left);
  } else {
    const given = Object.entries(left).filter(([, value]) => value !== null && value !== undefined);
    const query = new URLSearchParams(given.map(([field, value]) => [field, String(value)]));
    if (given.length) address += `?${query}`;
  }
  return fetch(new URL(address, document.baseURI), request);
}

/** The headers of every request of the page. */
const ours = () => [
  ["X-GTT-Page", `?${state.asked}`],
  ...(state.key ? [["X-GTT-Workspace", state.key]] : []),
];

/**
 * Brings a file to the desk; `tell` gets the share of it that has arrived, which `fetch` would not
 * say. It never throws.
 *
 * @param {File} file
 * @param {(share: number) => void} tell
 * @returns {Promise<import("../types/ask").Reply<"upload">>}
 */
export function sendFile(file, tell) {
  const [method, path] = ENDPOINTS.upload;
  const address = `${path.slice(1)}?${new URLSearchParams({ name: file.name })}`;
  const request = new XMLHttpRequest();
  request.open(method, new URL(address, document.baseURI));
  for (const [header, value] of ours()) request.setRequestHeader(header, value);
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => tell(loaded / total);
  return new Promise((resolve) => {
    request.onloadend = () => resolve(request.response || { error: fault("lost", LOST) });
    request.send(file);
  });
}

/**
 * A server that was lost and comes back as another process has other components: the page is
 * loaded anew. The run and the tab are in its address.
 *
 * @param {Response} answer
 */
function noteServer(answer) {
  const server = answer.headers.get("X-GTT-Server");
  if (!server) return;
  if (state.server && server !== state.server) location.reload();
  state.server = server;
  tryHost(answer.headers.get("X-GTT-Host"));
}

/**
 * Where a proxy has changed the name of the server, a click may look like that of another site. A
 * change of nothing tries that at once; what it is refused for is said by `page/surroundings.js`.
 *
 * @param {string | null} host as which the server was asked
 */
function tryHost(host) {
  if (!host || host === location.host || state.isHostTried) return;
  state.isHostTried = true;
  send("set_config", {}).catch(() => {}); // a server that is lost is noticed elsewhere
}
