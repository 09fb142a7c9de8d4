import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { eventOf, stream, useDesk } from "../lib/api.js";

/** What the server answers next. @type {(answer: import("node:http").ServerResponse) => void} */
let reply = () => {};
/** @type {Record<string, string | string[] | undefined>} */
let heard = {};
const server = createServer((request, answer) => {
  heard = request.headers;
  reply(answer);
});

before(async () => {
  await new Promise((done) => server.listen(0, "127.0.0.1", () => done(null)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const page = { baseURI: `http://127.0.0.1:${port}/gtt/`, documentElement: { dataset: {} } };
  Object.assign(globalThis, { document: page });
  useDesk("the-key");
});
after(() => server.close());

const EVENTS = { "Content-Type": "text/event-stream; charset=utf-8" };
const part = (/** @type {string} */ text) => `data: ${JSON.stringify({ text })}\n\n`;

/**
 * Reads the stream to its end; what came, and why it ended.
 *
 * @param {(text: string) => void} [act]
 */
async function read(act = () => {}, signal = new AbortController().signal) {
  const texts = /** @type {string[]} */ ([]);
  const values = { prompt: "One day" };
  const fault = await stream(
    "generate",
    values,
    ({ text }) => {
      texts.push(text);
      act(text);
    },
    signal,
  );
  return { texts, fault };
}

test("parts come whole, however the network cuts them", async () => {
  reply = (answer) => {
    answer.writeHead(200, EVENTS);
    const bytes = Buffer.from(`: still here\n\n${part("é")}${part("é b")}event: end\ndata: {}\n\n`);
    const send = (/** @type {number} */ at) => {
      if (at >= bytes.length) return answer.end();
      answer.write(bytes.subarray(at, at + 3));
      setImmediate(send, at + 3);
    };
    send(0);
  };
  assert.deepEqual(await read(), { texts: ["é", "é b"], fault: null });
  assert.equal(heard["x-gtt-workspace"], "the-key");
  assert.equal(heard["x-gtt-page"], "?");
  assert.equal(heard.accept, "text/event-stream");
});

test("a refusal is a sentence, also from a proxy and in the middle of a text", async () => {
  const error = { code: "rate_limited", message: "Too many at once.", field: null, ways: [] };
  reply = (answer) => {
    answer.writeHead(200, { "Content-Type": "application/json", "Retry-After": "3" });
    answer.end(JSON.stringify({ error }));
  };
  const said = (await read()).fault?.message;
  assert.equal(said, "Too many at once. In about 3 s there should be room.");
  reply = (answer) => answer.writeHead(503, { "Content-Type": "text/html" }).end("<h1>No</h1>");
  assert.match((await read()).fault?.message || "", /refused \(503\)/);
  reply = (answer) => {
    answer.writeHead(200, EVENTS);
    answer.end(`${part("a")}event: error\ndata: ${JSON.stringify({ error })}\n\n`);
  };
  assert.deepEqual(await read(), { texts: ["a"], fault: error });
});

test("a line that breaks is told of, and one that is let go of is not", async () => {
  reply = (answer) => {
    answer.writeHead(200, EVENTS);
    answer.write(part("a"));
    setTimeout(() => answer.destroy(), 20);
  };
  const broken = await read();
  assert.deepEqual([broken.texts, broken.fault?.code], [["a"], "lost"]);
  reply = (answer) => {
    answer.writeHead(200, EVENTS);
    answer.write(part("a"));
  };
  const held = new AbortController();
  assert.deepEqual(await read(() => held.abort(), held.signal), { texts: ["a"], fault: null });
});

test("an event has a kind and what it holds", () => {
  assert.deepEqual(eventOf(": still here"), { kind: "comment", data: null });
  assert.deepEqual(eventOf('data: {"a": 1}'), { kind: "part", data: { a: 1 } });
  assert.deepEqual(eventOf("event: end\ndata: {}"), { kind: "end", data: {} });
});
