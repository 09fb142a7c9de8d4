// One token's view: the text twice, shaded by what the chosen token reads from, and by who reads it.
let token = null, tokenSpans = { reads: [], readers: [] };

function buildTokens() {
  for (const part of ["reads", "readers"]) {
    tokenSpans[part] = seen.tokens.map((text, i) => {
      const span = document.createElement("span");
      span.textContent = visible(text);
      span.className = text.includes("\n") ? "token breaks" : "token";
      span.onclick = () => chooseToken(i);
      if (part === "reads") {
        span.setAttribute("role", "radio");
        span.onkeydown = (event) => moveInTokens(event, i);
      }
      return span;
    });
    $(part).replaceChildren(...tokenSpans[part].flatMap((span) => (span.classList.contains("breaks") ? [span, document.createElement("br")] : [span])));
  }
  if (token === null || token >= seen.n) token = Math.max(0, Math.min(seen.n - 2, strongestOf(mapOf(seen, chosen.layer, chosen.head)).q));
}

function moveInTokens(event, i) {
  const to = { ArrowLeft: i - 1, ArrowUp: i - 1, ArrowRight: i + 1, ArrowDown: i + 1, Home: 0, End: seen.n - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  if (to < 0 || to >= seen.n) return;
  chooseToken(to);
  tokenSpans.reads[to].focus();
}

function chooseToken(i) {
  token = i;
  drawTokens();
}

function drawTokens() {
  const map = largeMap(), ramp = rampOf("weights"), scale = SHADINGS[shown.shading], who = quoted(seen.tokens[token]);
  const reads = seen.tokens.map((_, k) => (k <= token ? valueAt(map, token, k) : null));
  const readers = seen.tokens.map((_, q) => (q >= token ? valueAt(map, q, token) : null));
  shade("reads", reads, ramp, scale, (i, v) => pairSaid(seen.tokens, token, i, share(v)));
  shade("readers", readers, ramp, scale, (i, v) => pairSaid(seen.tokens, i, token, share(v)));
  $("reads-title").textContent = `${subject()}: ${who} (token ${token}) reads from`;
  $("readers-title").textContent = `${who} is read by`;
  $("reads-told").textContent = `Most from ${topOf(reads)}.${token === 0 ? " The first token has nothing before it: all of its attention rests on itself." : ""}`;
  $("readers-told").textContent = token === seen.n - 1 ? "It is the last one: nobody after it reads it." : `Most by ${topOf(readers)}.`;
}

function shade(part, values, ramp, scale, told) {
  tokenSpans[part].forEach((span, i) => {
    const value = values[i];
    span.classList.toggle("chosen", i === token);
    span.classList.toggle("beyond", value === null);
    const colour = value === null ? null : ramp[tone(scale(value))];
    span.style.background = colour ? `rgb(${colour.join(",")})` : "";
    span.style.color = colour ? inkOn(colour) : "";
    span.title = value === null ? "" : told(i, value);
    if (part !== "reads") return;
    span.setAttribute("aria-checked", String(i === token));
    span.setAttribute("aria-label", `${visible(seen.tokens[i])}, token ${i}${value === null ? "" : `: ${share(value)}`}`);
    span.tabIndex = i === token ? 0 : -1;
  });
}

const topOf = (values) => values.map((v, i) => [v, i]).filter(([v]) => v !== null).sort((a, b) => b[0] - a[0]).slice(0, 3).map(([v, i]) => `${quoted(seen.tokens[i])} ${share(v)}`).join(", ");
