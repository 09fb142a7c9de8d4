// A text as tokens: coloured by surprise, each within reach of mouse and keyboard. One stop for Tab;
// arrows go from token to token.
const look = { coloured: true, unit: "nats", most: Math.log(1024) };
const inUnit = (nats, digits = 2) => (nats === null ? "–" : `${(look.unit === "bits" ? nats / Math.LN2 : nats).toFixed(digits)} ${look.unit}`);

// The text of a token with signs for what cannot be seen; the signs come from the style, so that
// what is copied from the page is the text itself.
function fill(span, text) {
  const blank = /^\s+$/.test(text);
  const kinds = { "\n": "br", "\t": "tab", "\r": "cr", ...(blank ? { " ": "sp" } : {}) };
  let plain = "";
  const flush = () => { if (plain) span.append(plain); plain = ""; };
  for (const c of text) {
    if (kinds[c]) { flush(); span.append(made("i", kinds[c], c)); } else plain += c;
  }
  flush();
  if (text === "") span.append(made("i", "none"));
  if (/\\x[0-9a-f]{2}/.test(text)) span.classList.add("bytes");
}

class TokenText {
  // `chosen(place)` is called when a token is gone to.
  constructor(label, chosen) {
    this.box = made("div", "tokens");
    this.box.setAttribute("aria-label", label);
    this.chosen = chosen; this.at = null; this.spans = []; this.tokens = [];
    this.box.addEventListener("click", (event) => {
      const span = event.target.closest(".t");
      if (span && !String(getSelection())) this.go(this.spans.indexOf(span));
    });
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("focusin", (event) => {
      const place = this.spans.indexOf(event.target);
      if (place >= 0 && place !== this.at) this.go(place);
    });
  }
  // As it grows: what comes is added to what stands there.
  grow(text) {
    if (this.plain && text.startsWith(this.plain.data)) { this.plain.appendData(text.slice(this.plain.data.length)); return; }
    this.plain = document.createTextNode(text);
    this.forget();
    this.box.replaceChildren(this.plain);
  }
  forget() {
    this.spans = []; this.tokens = []; this.at = null;
    this.box.removeAttribute("role");
  }
  // Whole: `tokens` as the endpoint reads them; those before `start` are the prompt.
  show(tokens, start = 0, branch = null) {
    this.plain = null; this.tokens = tokens; this.at = null;
    this.spans = tokens.map((token, place) => {
      const span = made("span", "t");
      if (place < start) span.classList.add("given");
      if (place === branch) span.classList.add("branch");
      span.setAttribute("role", "option");
      span.setAttribute("aria-selected", "false");
      span.tabIndex = place === 0 ? 0 : -1;
      fill(span, token.text);
      return span;
    });
    this.box.setAttribute("role", "listbox");
    this.box.setAttribute("aria-orientation", "horizontal");
    this.box.replaceChildren(...this.spans);
    this.colour();
  }
  colour() {
    this.box.classList.toggle("coloured", look.coloured);
    this.spans.forEach((span, place) => {
      const surprise = this.tokens[place].surprise;
      span.style.setProperty("--s", surprise === null ? 0 : Math.min(1, surprise / look.most).toFixed(3));
      span.setAttribute("aria-label", `${visible(this.tokens[place].text)}, ${surprise === null ? "no odds" : inUnit(surprise, 1)}`);
    });
  }
  go(place, focus = true) {
    if (place < 0 || place >= this.spans.length) return;
    this.leave();
    this.at = place;
    for (const span of this.spans) if (span.tabIndex === 0) span.tabIndex = -1;
    const span = this.spans[place];
    span.setAttribute("aria-selected", "true");
    span.tabIndex = 0;
    if (focus) span.focus();
    this.chosen(place);
  }
  leave() {
    if (this.at !== null && this.spans[this.at]) this.spans[this.at].setAttribute("aria-selected", "false");
    this.at = null;
  }
  key(event) {
    if (this.at === null && !this.spans.includes(event.target)) return;
    const here = this.at ?? 0, last = this.spans.length - 1;
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: last }[event.key] ?? (event.key === "ArrowDown" ? this.line(here, 1) : event.key === "ArrowUp" ? this.line(here, -1) : null);
    if (to === null) return;
    event.preventDefault();
    this.go(Math.max(0, Math.min(last, to)));
  }
  // The token above or below.
  line(here, by) {
    const from = this.spans[here], x = from.offsetLeft;
    let best = null, top = null;
    for (let i = here + by; i >= 0 && i <= this.spans.length - 1; i += by) {
      const one = this.spans[i];
      if (one.offsetTop === from.offsetTop) continue;
      if (top === null) top = one.offsetTop;
      if (one.offsetTop !== top) break;
      if (best === null || Math.abs(one.offsetLeft - x) < Math.abs(this.spans[best].offsetLeft - x)) best = i;
    }
    return best ?? here;
  }
  mark(places) { this.spans.forEach((span, place) => span.classList.toggle("copied", places.has(place))); }
}
