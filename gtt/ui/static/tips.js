// One tip for all that is explained. It comes where the pointer is, or at what has the focus, stays
// while the pointer is on it, and goes with Escape; `?` or a click opens the glossary at its term.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const tip = element.querySelector(".gtt-tip");
const AWAY = 14; // pixels between the pointer and its tip
const LATER = 250; // milliseconds of rest before a tip comes, and before it goes
const { quantities = {}, actions = {} } = props.value || {};
let on = null, timer = 0;

function explained(target) {
  const one = target.closest && target.closest("[data-tip], button[id]");
  if (!one) return null;
  const about = one.dataset.tip ? quantities[one.dataset.tip] : actions[one.id];
  return about ? { one, about, why: one.dataset.why || "" } : null;
}

// Below the point, or the thing; above it where there is no room.
function place(box, mine, point) {
  const [top, bottom] = point ? [point.y, point.y] : [box.top, box.bottom];
  const away = point ? AWAY : 6, left = point ? point.x - AWAY : box.left;
  const isBelow = bottom + away + mine.height <= innerHeight - 4;
  tip.style.left = `${Math.max(8, Math.min(left, innerWidth - mine.width - 8))}px`;
  tip.style.top = `${isBelow ? bottom + away : Math.max(8, top - mine.height - away)}px`;
}

function show({ one, about, why }, point = null) {
  hide();
  on = { one, about };
  $("title").textContent = about.title || "";
  $("title").hidden = !about.title;
  $("tip").textContent = why ? `${about.tip} ${why}` : about.tip;
  tip.hidden = false;
  one.setAttribute("aria-describedby", tip.id);
  place(one.getBoundingClientRect(), tip.getBoundingClientRect(), point);
}

function hide() {
  clearTimeout(timer);
  tip.hidden = true;
  if (on) on.one.removeAttribute("aria-describedby");
  on = null;
}

function soon(act) { clearTimeout(timer); timer = setTimeout(act, LATER); }

function open(about) {
  hide();
  document.dispatchEvent(new CustomEvent("gtt:explain", { detail: about.concept }));
}

const life = new AbortController();
function hear(event, act) {
  document.addEventListener(event, (one) => {
    if (!element.isConnected) life.abort(); else act(one);
  }, { signal: life.signal });
}
let pointer = null;
hear("pointermove", (event) => { pointer = { x: event.clientX, y: event.clientY }; });
hear("pointerover", (event) => {
  pointer = { x: event.clientX, y: event.clientY };
  if (event.target.closest(".gtt-tip")) { clearTimeout(timer); return; }
  const found = explained(event.target);
  if (found && (!on || on.one !== found.one)) soon(() => show(found, event.pointerType === "touch" ? null : pointer));
  else if (!found && on && on.one !== document.activeElement) soon(hide);
  else if (!found && !on) clearTimeout(timer);
});
hear("focusin", (event) => {
  const found = explained(event.target);
  if (found && event.target.matches(":focus-visible")) show(found); else if (!event.target.closest(".gtt-tip")) hide();
});
hear("focusout", () => soon(hide));
hear("scroll", hide);
hear("keydown", (event) => {
  if (event.key === "Escape") hide();
  const found = explained(event.target);
  const isTile = found && found.one.dataset.tip && (event.key === "Enter" || event.key === " ");
  if (found && (event.key === "?" || isTile)) { event.preventDefault(); open(found.about); }
});
hear("click", (event) => {
  const found = explained(event.target);
  if (found && found.one.dataset.tip) open(found.about); else if (!event.target.closest(".gtt-tip")) hide();
});
$("more").onclick = () => { if (on) open(on.about); };
