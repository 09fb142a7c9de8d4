// What could not be saved stands beside the field that asked for it, until that field changes.
const BOX = "gtt-refusal";
const shown = new Map(); // refusals by setting

const field = (setting) => document.getElementById(setting.replace(".", "-"));

function mark(block, id) {
  block.querySelectorAll("input, textarea").forEach((input) => {
    if (id) { input.setAttribute("aria-invalid", "true"); input.setAttribute("aria-describedby", id); }
    else { input.removeAttribute("aria-invalid"); input.removeAttribute("aria-describedby"); }
  });
}

function forget(setting) {
  const one = shown.get(setting);
  if (!one) return;
  mark(one.block, null);
  one.box.remove();
  shown.delete(setting);
}

function refuse(fault) {
  forget(fault.setting);
  const block = field(fault.setting);
  if (!block) return;
  const box = document.createElement("p");
  box.id = `refused-${block.id}`;
  box.className = BOX;
  box.setAttribute("role", "alert");
  box.textContent = fault.message;
  block.append(box);
  mark(block, box.id);
  shown.set(fault.setting, { block, box });
}

function refused(event) {
  if (!element.isConnected) return;
  refuse(event.detail.refused);
}

function saved(event) {
  const { changed, saved: kept } = event.detail || {};
  for (const setting of [changed, kept]) if (setting) forget(setting);
}

// Where the steps are set, they decide, and the epochs do not count.
let steps = null;
function decided() {
  const block = field("training.num_epochs");
  if (!element.isConnected || !block) return; // it comes when its part of the page is opened
  const isUnused = steps !== null && steps !== undefined && steps !== "";
  block.classList.toggle("gtt-unused", isUnused);
  const note = block.querySelector(".gtt-note") || block.appendChild(document.createElement("p"));
  note.className = "gtt-note";
  const words = isUnused ? "Not in use: the steps decide. Empty them to train by epochs." : "";
  if (note.textContent !== words) note.textContent = words;
}
document.addEventListener("gtt:steps", (event) => { steps = event.detail; decided(); });
document.addEventListener("click", function opened(event) { // what is folded has no fields before it is opened
  const part = event.target.closest && event.target.closest("#training-settings");
  if (!part) return;
  document.removeEventListener("click", opened, true);
  new MutationObserver(decided).observe(part, { childList: true, subtree: true });
}, true);

// Another tab or a program may have changed the draft meanwhile.
let asked = 0;
function returned() {
  const refusals = document.querySelector('[aria-invalid="true"]');
  if (!element.isConnected || document.hidden || refusals || Date.now() - asked < 1000) return;
  asked = Date.now();
  trigger("returned");
}

document.addEventListener("gtt:refused", refused);
document.addEventListener("gtt:draft", saved);
document.addEventListener("visibilitychange", returned);
window.addEventListener("focus", returned);

// A file that the server would refuse is not sent to it at all.
function brought(event) {
  const input = event.target.closest && event.target.closest("#upload");
  if (!input || !element.isConnected) return;
  const files = event.type === "drop" ? event.dataTransfer.files : event.target.files;
  const most = (props.value || {}).most || Infinity, large = [...(files || [])].find((file) => file.size > most);
  if (!large) return;
  event.stopImmediatePropagation();
  event.preventDefault();
  if (event.type !== "drop") event.target.value = "";
  const size = (bytes) => `${(bytes / 1e6).toPrecision(3)} MB`;
  const words = `“${large.name}” has ${size(large.size)}, and ${size(most)} are the most that this server takes: bring a part of it.`;
  document.dispatchEvent(new CustomEvent("gtt:said", { detail: words }));
}
for (const name of ["change", "drop"]) document.addEventListener(name, brought, true);

// What Gradio names otherwise than it can be read: the pictures of the footer carry the words beside
// them once more, and the box for files is called by other words than stand in it.
function rename() {
  document.querySelectorAll("footer img").forEach((one) => { if (one.alt) one.alt = ""; });
  const box = document.querySelector("#upload button[aria-label]");
  const words = box && box.innerText.replace(/\s+/g, " ").trim();
  if (words && box.getAttribute("aria-label") !== words) box.setAttribute("aria-label", words);
}
let renaming = 0;
const names = new MutationObserver(() => {
  if (!element.isConnected) names.disconnect();
  else if (!renaming) renaming = setTimeout(() => { renaming = 0; rename(); }, 500);
});
names.observe(document.body, { childList: true, subtree: true });
rename();
