// One tip for all that is explained. It comes with the pointer or the focus, stays while the
// pointer is on it, and goes with Escape; `?` or a click opens everything there is to say.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const tip = element.querySelector(".gtt-tip"), dialog = element.querySelector("dialog");
const LATER = 250; // milliseconds of rest before a tip comes, and before it goes
const { quantities = {}, actions = {} } = props.value || {};
let on = null, timer = 0;

function explained(target) {
  const one = target.closest && target.closest("[data-tip], button[id]");
  if (!one) return null;
  const about = one.dataset.tip ? quantities[one.dataset.tip] : actions[one.id];
  return about ? { one, about, why: one.dataset.why || "" } : null;
}

function show({ one, about, why }) {
  hide();
  on = { one, about };
  $("title").textContent = about.title || "";
  $("title").hidden = !about.title;
  $("tip").textContent = why ? `${about.tip} ${why}` : about.tip;
  tip.hidden = false;
  one.setAttribute("aria-describedby", tip.id);
  const box = one.getBoundingClientRect(), mine = tip.getBoundingClientRect();
  const below = box.bottom + 6 + mine.height <= innerHeight;
  tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - mine.width - 8))}px`;
  tip.style.top = `${below ? box.bottom + 6 : Math.max(8, box.top - mine.height - 6)}px`;
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
  $("about").textContent = about.about;
  $("body").textContent = "";
  for (const paragraph of about.body) {
    const p = document.createElement("p");
    paragraph.split("`").forEach((piece, n) => {
      const part = document.createElement(n % 2 ? "code" : "span");
      part.textContent = piece;
      p.append(part);
    });
    $("body").append(p);
  }
  dialog.showModal();
}

const life = new AbortController();
function hear(event, act) {
  document.addEventListener(event, (one) => {
    if (!element.isConnected) life.abort(); else act(one);
  }, { signal: life.signal });
}
hear("pointerover", (event) => {
  if (event.target.closest(".gtt-tip")) { clearTimeout(timer); return; }
  const found = explained(event.target);
  if (found && (!on || on.one !== found.one)) soon(() => show(found));
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
