// What the address asks for becomes the draft with the first thing that a person does on this page.
// In a frame of another site that is a click: that site can move the focus, and keys would follow.
const ASKED = ["recipe", "set"];
let isOpen = false, hasActed = false;

function isFramed() {
  if (window.top === window) return false;
  try { return window.top.location.origin !== location.origin; } catch (error) { return true; }
}

function keep() {
  const address = new URL(location.href);
  if (!isOpen || !hasActed || !ASKED.some((name) => address.searchParams.has(name))) return;
  // A reload must not undo what is changed from now on. The tab and the run stay in the address.
  for (const name of ASKED) address.searchParams.delete(name);
  history.replaceState(null, "", address);
  delete document.documentElement.dataset.gttAsked;
  trigger("done");
}

function acted(event) {
  if (!event.isTrusted || !element.isConnected || (event.type === "keydown" && isFramed())) return;
  hasActed = true;
  keep();
}

for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, acted, true);
document.addEventListener("gtt:opened", () => { isOpen = true; keep(); });
