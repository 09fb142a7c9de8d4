// Files of the run that is looked at. A desk of one's own is opened by a key in a header, which a
// link cannot send: the file is fetched with it and handed to the browser from memory.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const buttons = [...element.querySelectorAll("[data-file]")];
const ENDINGS = { model: "zip" };
let key = "", run = null, stopper = null, wished = null; // a file that was asked for before there was a key

function attach(value) {
  const next = value || {};
  key = next.workspace || "";
  run = next.run || null;
  if (key && wished) { const kind = wished; wished = null; take(kind); }
}

const say = (text) => { $("said").textContent = text; };

function address(kind, id) {
  const one = encodeURIComponent(id), unit = $("unit").value;
  const figure = { format: kind, unit, log: $("log").checked, dark: $("dark").checked };
  return {
    csv: `api/metrics.csv?run_id=${one}`,
    json: `api/metrics.json?run_id=${one}`,
    svg: `api/runs/${one}/figure?${new URLSearchParams(figure)}`,
    png: `api/runs/${one}/figure?${new URLSearchParams(figure)}`,
    zip: `api/runs/${one}/archive`,
    pocket: `api/runs/${one}/exports/pocket?weights=${$("weights").value}`,
  }[kind] || `api/runs/${one}/exports/${kind}`;
}

// Without a run in the value it is the desk's current one.
async function runId() {
  if (run) return run;
  const answer = await server.status({ workspace: key });
  if (answer.error) throw new Error(answer.error.message);
  if (!answer.run) throw new Error("There is no run yet: start one first.");
  return answer.run.id;
}

// The best checkpoint that is kept; where none was measured to be the best, the newest.
async function modelOf(id) {
  const place = `api/runs/${encodeURIComponent(id)}/checkpoints`;
  const response = await fetch(place, { headers: { "X-GTT-Workspace": key } });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  const kept = answer.checkpoints, one = kept.find((c) => c.best) || kept[kept.length - 1];
  // Where there is none, the export says why, which depends on how the run stands.
  return one ? `${place}/${one.step}` : address("transformers", id);
}

function hand(href, name) {
  const link = document.createElement("a");
  link.href = href; link.download = name; link.hidden = true;
  element.append(link); link.click(); link.remove();
}

function nameOf(response, fallback) {
  const found = /filename\*=utf-8''([^;]+)/i.exec(response.headers.get("content-disposition") || "");
  return found ? decodeURIComponent(found[1]) : fallback;
}

async function take(kind) {
  if (!key) { wished = kind; say("Preparing the file…"); return; }
  stopper = new AbortController();
  buttons.forEach((button) => { button.disabled = true; });
  $("cancel").hidden = false;
  say("Preparing the file…");
  try {
    const id = await runId();
    // No key is needed then: the browser writes it straight to disk.
    if (kind === "zip" && props.shared) {
      hand(address(kind, id), `${id}.zip`);
      say("The browser is saving the file.");
      return;
    }
    const place = kind === "model" ? await modelOf(id) : address(kind, id);
    const headers = { "X-GTT-Workspace": key };
    const response = await fetch(place, { headers, signal: stopper.signal });
    if (!response.ok) throw new Error((await response.json()).error.message);
    const parts = [], reader = response.body.getReader();
    let size = 0, told = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      size += part.value.length;
      if (size - told > 1e6) { told = size; say(`${(size / 1e6).toFixed(0)} MB so far…`); }
    }
    const type = response.headers.get("content-type") || "";
    const url = URL.createObjectURL(new Blob(parts, { type }));
    hand(url, nameOf(response, `${id}.${ENDINGS[kind] || kind}`));
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    say(`Saved ${nameOf(response, `${id}.${ENDINGS[kind] || kind}`)}.`);
  } catch (error) {
    const lost = error instanceof TypeError || error instanceof SyntaxError;
    say(error.name === "AbortError" ? "Cancelled." : lost ? "The connection was lost: try again." : error.message);
  } finally {
    stopper = null;
    buttons.forEach((button) => { button.disabled = false; });
    $("cancel").hidden = true;
  }
}

for (const button of buttons) button.onclick = () => take(button.dataset.file);
$("cancel").onclick = () => { if (stopper) stopper.abort(); };
watch("value", () => attach(props.value));
attach(props.value);
