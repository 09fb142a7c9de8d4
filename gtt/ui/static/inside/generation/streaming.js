// Text as the server writes it: server-sent events over a request that ends when it is let go of.
let wire = null; // of the request that is under way
const isWriting = () => wire !== null;

// Calls `take` with every part; raises an error with the server's own sentence.
async function stream(request, take) {
  wire = new AbortController();
  const signal = wire.signal;
  const answer = await fetch("api/generate", {
    method: "POST", signal, body: JSON.stringify(request),
    headers: { Accept: "text/event-stream", "Content-Type": "application/json", ...(key ? { "X-GTT-Workspace": key } : {}) },
  });
  if (!answer.ok) throw await refusalOf(answer);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) heard(event, take);
  }
}

function heard(event, take) {
  const lines = event.split("\n"), name = (lines.find((line) => line.startsWith("event: ")) || "").slice(7);
  const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
  if (!data) return; // a comment: the line is alive
  if (name === "error") throw new Refusal(JSON.parse(data).error.message);
  if (name !== "end") take(JSON.parse(data));
}

class Refusal extends Error {}

async function refusalOf(answer) {
  let sentence = `The server refused (${answer.status}): try again in a moment.`;
  try { sentence = (await answer.json()).error.message; } catch (error) { /* no body of ours, as from a proxy */ }
  const wait = Number(answer.headers.get("Retry-After"));
  if (wait > 0 && !/\d+ second|a second/.test(sentence)) sentence += ` In about ${Math.ceil(wait)} s there should be room.`;
  return new Refusal(sentence);
}

const letGo = () => { if (wire) wire.abort(); };
