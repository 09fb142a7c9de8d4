// What the views of a text share: tokens as chips, and asking only for what is wanted last.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const whole = (number) => Math.round(number).toLocaleString("en");
const PICTURES = { " ": "·", "\n": "↵", "\t": "⇥", "\r": "␍" };
const COLOURS = 6; // of chips, in texts.css

// An element with text in it: whatever the text says, it stays text.
function made(kind, text, name) {
  const one = document.createElement(kind);
  if (text !== undefined) one.textContent = text;
  if (name) one.className = name;
  return one;
}

// A token as it can be seen: blanks have a picture, bytes of an unfinished character are numbers.
function seen(token) {
  const pictured = token.text.replace(/[ \n\t\r]/g, (blank) => PICTURES[blank]);
  return token.whole ? pictured : pictured.replace(/\\x([0-9a-f]{2})/g, " $1").trim();
}

function chip(token, withId = true) {
  const one = made("li", undefined, "chip");
  if (token.id === null) one.classList.add("unknown");
  else one.classList.add(`c${token.id % COLOURS}`);
  if (!token.whole) one.classList.add("bytes");
  one.append(made("span", seen(token), "text"));
  if (withId) one.append(made("small", token.id === null ? "–" : token.id));
  return one;
}

// Asks for the last wish, once it has rested a moment, while somebody can see the answer. `wait` is
// called as soon as what is shown belongs to another text or tokenizer than what is wished.
function seeker(ask, take, wait) {
  let wanted = null, done = "", isSeen = false, busy = false, timer = 0;
  const nameOf = (wish) => JSON.stringify(wish);
  const dataOf = ({ text, ...data }) => nameOf(data);
  async function go() {
    const wish = wanted, name = nameOf(wish);
    if (busy || !isSeen || !wish || name === done) return;
    busy = true;
    let pause = 0;
    try {
      const answer = await ask(wish);
      if (answer.error && ["rate_limited", "busy"].includes(answer.error.code)) pause = 2000;
      else if (name === nameOf(wanted)) {
        done = name;
        take(answer);
      }
    } catch (error) { pause = 3000; } // the connection; what is shown stays
    busy = false;
    if (pause) timer = setTimeout(go, pause);
    else go();
  }
  new IntersectionObserver((entries) => {
    isSeen = entries[entries.length - 1].isIntersecting;
    if (isSeen) go();
  }, { rootMargin: "3000px" }).observe(element);
  const want = (wish) => {
    // What was shown is covered by now: also the wish that it answers has to be asked for again.
    if (!wanted || dataOf(wish) !== dataOf(wanted)) { done = ""; wait(); }
    wanted = wish;
    clearTimeout(timer);
    timer = setTimeout(go, 250);
  };
  // A run that has prepared its text knows more of it.
  want.again = () => { done = ""; go(); };
  return want;
}

// An answer, or the sentence in place of it; null while it is waited for: then what stood there is
// no longer seen, but keeps its place, so that nothing else moves.
function lay(given) {
  const wrong = given && given.error, all = $("all");
  $("waiting").hidden = Boolean(given);
  $("error").hidden = !wrong;
  $("error").textContent = wrong ? wrong.message : "";
  all.classList.toggle("old", !given);
  if (given) all.hidden = Boolean(wrong);
  return Boolean(given) && !wrong;
}
