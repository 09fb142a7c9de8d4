// The glossary in a dialog, and a question mark beside every setting that explains it in its place.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const SETTINGS = (props.value || {}).settings || {};
const GAP = 6; // pixels between a label and its question mark
const dialog = $("dialog"), entries = new Map(); // by concept
let terms = null, asking = null;

function made(kind, name, text) {
  const one = document.createElement(kind);
  if (name) one.className = name;
  if (text !== undefined) one.textContent = text;
  return one;
}

// All terms, asked for once; none where the server does not answer.
async function load() {
  asking = asking || server.glossary({});
  try { terms = (await asking).terms; } catch (error) { asking = null; }
  return terms;
}

function paragraphs(body) {
  return body.map((text) => {
    const one = made("p");
    text.split("`").forEach((piece, i) => one.append(i % 2 ? made("code", "", piece) : piece));
    return one;
  });
}

// ---------------------------------------------------------------- the dialog

function build() {
  if (entries.size || !terms) return;
  for (const term of terms) {
    const box = made("details"), head = made("summary");
    head.append(made("b", "", term.title), made("small", "", term.kind));
    head.append(made("span", "", term.tip));
    box.append(head, ...paragraphs(term.body));
    if (term.key) box.append(paragraphs([`In a script or an address: \`${term.key}\`.`])[0]);
    const words = [term.title, term.tip, term.key, ...term.body].join(" ").toLowerCase();
    entries.set(term.id, { box, head, words, title: term.title.toLowerCase() });
    $("terms").append(box);
  }
}

// Terms that are called so come before those that only speak of it.
function search() {
  const sought = $("find").value.trim().toLowerCase();
  const rank = ({ title, words }) => (title.includes(sought) ? 0 : words.includes(sought) ? 1 : 2);
  let count = 0;
  for (const entry of entries.values()) {
    const place = rank(entry);
    entry.box.hidden = place > 1;
    entry.place = place;
    count += place < 2;
  }
  const byTitle = (a, b) => a.place - b.place || (a.title < b.title ? -1 : 1);
  $("terms").append(...[...entries.values()].sort(byTitle).map((entry) => entry.box));
  $("terms").scrollTop = 0;
  $("count").textContent = count === 1 ? "1 term" : `${count} terms`;
}

async function open(concept) {
  if (!(await load())) {
    const words = "The glossary does not come: try again in a moment.";
    document.dispatchEvent(new CustomEvent("gtt:said", { detail: words }));
    return;
  }
  build();
  $("find").value = "";
  search();
  for (const [id, { box }] of entries) box.open = id === concept;
  if (!dialog.open) dialog.showModal();
  const entry = entries.get(concept);
  if (!entry) { $("find").focus(); return; }
  $("terms").scrollTop = entry.box.offsetTop - $("terms").offsetTop;
  entry.head.focus({ preventScroll: true });
}

$("open").onclick = () => open(null);
$("close").onclick = () => dialog.close();
$("find").oninput = search;
dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); }; // beside it

// ---------------------------------------------------------------- beside the settings

// Outside of the label, whose name it would lengthen, and yet behind its last word.
function place(block, button) {
  const words = block.querySelector('[data-testid="block-info"], label > span');
  if (!words) return;
  const text = document.createRange(); // the lines of its text: the box around them is as wide as it may be
  text.selectNodeContents(words);
  const lines = text.getClientRects();
  if (!lines.length) return;
  const last = lines[lines.length - 1], box = block.getBoundingClientRect();
  button.hidden = false;
  button.style.left = `${Math.min(last.right - box.left + GAP, box.width - 30)}px`;
  button.style.top = `${last.top - box.top + last.height / 2 - 12}px`;
}

const sizes = new ResizeObserver((all) => {
  for (const { target } of all) {
    const button = target.querySelector(":scope > .gtt-why");
    if (button) place(target, button);
  }
});

function decorate() {
  for (const [id, { label, concept }] of Object.entries(SETTINGS)) {
    const block = document.getElementById(id);
    if (!block || block.querySelector(":scope > .gtt-why")) continue;
    const button = made("button", "gtt-why beside", "?");
    button.type = "button";
    button.dataset.setting = id;
    button.dataset.concept = concept;
    button.setAttribute("aria-label", `What is “${label}”?`);
    button.setAttribute("aria-expanded", "false");
    button.hidden = true; // until its place is known
    block.append(button);
    place(block, button);
    sizes.observe(block);
  }
}

async function explain(button) {
  const block = button.parentNode, shown = block.querySelector(":scope > .gtt-about");
  button.setAttribute("aria-expanded", String(!shown));
  if (shown) { shown.remove(); return; }
  const found = (await load() || []).find((term) => term.id === button.dataset.concept);
  if (!found || block.querySelector(":scope > .gtt-about")) return;
  const box = made("div", "gtt-about"), more = made("button", "gtt-link", "All terms");
  more.type = "button";
  more.onclick = () => open(found.id);
  box.append(...paragraphs(found.body), more);
  block.append(box);
}

let waiting = 0;
const watcher = new MutationObserver(() => {
  if (!element.isConnected) watcher.disconnect();
  else if (!waiting) waiting = setTimeout(() => { waiting = 0; decorate(); }, 500);
});
const whole = document.querySelector("#tabs") || document.body;
watcher.observe(whole, { childList: true, subtree: true });
decorate();

const life = new AbortController();
function hear(event, act) {
  document.addEventListener(event, (one) => {
    if (!element.isConnected) life.abort(); else act(one);
  }, { signal: life.signal });
}
hear("gtt:explain", (event) => open(event.detail));
hear("click", (event) => {
  const button = event.target.closest && event.target.closest("button.gtt-why");
  if (!button) return;
  event.preventDefault();
  if (button.dataset.setting) explain(button); else open(button.dataset.concept);
});
