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

// Asks for the last wish, once it has rested a moment, while somebody can see the answer.
function seeker(ask, take, forgetAfter = Infinity) {
  let wanted = null, done = "", asked = 0, isSeen = false, busy = false, timer = 0;
  async function go() {
    const wish = wanted, name = JSON.stringify(wish);
    if (busy || !isSeen || !wish || name === done) return;
    busy = true;
    let wait = 0;
    try {
      const answer = await ask(wish);
      if (answer.error && ["rate_limited", "busy"].includes(answer.error.code)) wait = 2000;
      else {
        done = name; asked = Date.now();
        if (wish === wanted) take(answer);
      }
    } catch (error) { wait = 3000; } // the connection; what is shown stays
    busy = false;
    if (wait) timer = setTimeout(go, wait);
    else if (wish !== wanted) go();
  }
  new IntersectionObserver((entries) => {
    isSeen = entries[entries.length - 1].isIntersecting;
    if (Date.now() - asked > forgetAfter) done = "";
    if (isSeen) go();
  }, { rootMargin: "1500px" }).observe(element);
  return (wish) => {
    wanted = wish;
    clearTimeout(timer);
    timer = setTimeout(go, 250);
  };
}
