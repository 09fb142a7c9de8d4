// The model of the run that is looked at, on its way to the Hugging Face Hub. The push belongs to
// the server and its disk: this asks how it stands, also after a reload. A token leaves this field
// for the push alone.
const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const AT_WORK = ["preparing", "sending", "publishing"], EVERY = 1000;
let key = "", run = null, state = null, busy = false, asking = false, refusedAt = 0;
let isRefused = false; // the last press, which no older state of a push may cover

function attach(value) {
  const next = value || {};
  key = next.workspace || "";
  if ((next.run || null) !== run) { state = null; isRefused = false; show(); }
  run = next.run || null;
  if (next.asked && next.asked !== refusedAt) { // the answer to a press
    refusedAt = next.asked; asking = false;
    buttons();
    if (next.refused) { refuse(next.refused); return; }
  }
  poll();
}

const mb = (n) => (n / 1e6).toFixed(n < 1e7 ? 1 : 0);
function left(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const s = Math.ceil(seconds);
  return s < 90 ? `, about ${s} s left` : `, about ${Math.ceil(s / 60)} min left`;
}

function say(text, isWrong) {
  $("said").textContent = text;
  $("said").classList.toggle("wrong", Boolean(isWrong));
}

function refuse(refused) {
  isRefused = true;
  $("done").hidden = true;
  showCode(null);
  say(refused.message, true);
  for (const name of ["repo", "token"]) $(name).toggleAttribute("aria-invalid", refused.field === name);
  for (const name of ["repo", "token"]) if (refused.field === name) { $(name).setAttribute("aria-invalid", "true"); $(name).focus(); }
  buttons();
}

function buttons() {
  const isAtWork = asking || Boolean(state && AT_WORK.includes(state.stage));
  $("push").disabled = isAtWork;
  $("push").textContent = state && ["broken", "cancelled"].includes(state.stage) ? "Push again" : "Push";
  $("cancel").hidden = !(state && AT_WORK.includes(state.stage));
  $("cancel").disabled = asking || !$("cancel").hidden && state.stage === "publishing";
}

function show() {
  buttons();
  if (isRefused && !(state && AT_WORK.includes(state.stage))) return;
  const isAtWork = Boolean(state && AT_WORK.includes(state.stage)), total = state && state.bytes_total;
  const arrived = state ? state.bytes_sent + state.bytes_kept : 0, share = total ? Math.min(1, arrived / total) : 0;
  $("track").hidden = !isAtWork;
  $("bar").style.transform = `scaleX(${share})`;
  $("track").setAttribute("aria-valuenow", Math.round(100 * share));
  const isDone = Boolean(state && state.stage === "done");
  $("done").hidden = !isDone;
  if (isDone && /^https?:/.test(state.url)) { $("link").href = state.url; $("link").textContent = state.url; }
  showCode(isDone ? state.qr : null);
  if (!state) { say(""); return; }
  if (isAtWork) {
    const kept = state.bytes_kept ? `, ${mb(state.bytes_kept)} MB had arrived before` : "";
    say({
      preparing: `Laying out the files for ${state.repo}…`,
      sending: `Sending to ${state.repo}: ${mb(arrived)} of ${mb(total || 0)} MB${left(state.seconds_left)}${kept}. You may close the page.`,
      publishing: `All has arrived; publishing ${state.repo}…`,
    }[state.stage]);
  } else if (isDone) {
    const what = state.format === "pocket" ? "is a page on the Hub, the Space" : "is on the Hub as";
    say(`Step ${state.step.toLocaleString("en")} ${what} ${state.repo}${state.private ? ", for you alone" : ""}.`);
  } else say(state.message, state.stage !== "cancelled");
}

// The link as a code for cameras. It is drawn by our server, dark on light in any theme.
function showCode(svg) {
  $("code").hidden = !svg;
  if (!svg) { $("qr").replaceChildren(); return; }
  const drawn = new DOMParser().parseFromString(svg, "text/html").querySelector("svg");
  drawn.setAttribute("aria-hidden", "true");
  $("qr").setAttribute("aria-label", `QR code of ${state.url}`);
  $("qr").replaceChildren(drawn);
}

const ABOUT = {
  transformers: "The best checkpoint with a card that tells what it is. Whoever has the link loads it with transformers.",
  pocket: "The pocket model of the best checkpoint as a static Space: whoever has the link runs it in their browser, on a telephone too. It costs nothing.",
};
let hadLogin = false;

function login(answer) {
  hadLogin = answer.has_login;
  const hint = props.sign_in ? "With the sign-in of the button below."
    : answer.has_login ? "Without a token: with the login of this computer (hf auth login)."
    : "A token that may write, from huggingface.co/settings/tokens. It is kept nowhere.";
  $("token-row").hidden = Boolean(props.sign_in);
  $("about").textContent = `${ABOUT[$("format").value]} ${hint}`;
}

async function runId() {
  if (run) return run;
  const answer = await server.status({ workspace: key });
  if (answer.error) throw new Error(answer.error.message);
  return answer.run ? answer.run.id : null;
}

async function poll() {
  if (busy || asking || !key || document.hidden) return;
  busy = true;
  const asked = run;
  try {
    const id = await runId();
    const answer = id ? await server.push_status({ workspace: key, run_id: id }) : { push: null, has_login: false };
    if (asked === run && !answer.error) {
      const isNew = JSON.stringify(answer.push) !== JSON.stringify(state);
      const wasAtWork = Boolean(state && AT_WORK.includes(state.stage));
      state = answer.push;
      if (wasAtWork && state && state.stage === "done") $("token").value = ""; // it has served
      if (isNew) show();
      login(answer);
      // A field that somebody is in is theirs.
      if (state && !$("repo").value && document.activeElement !== $("repo")) { $("repo").value = state.repo; $("private").checked = state.private; $("format").value = state.format; login(answer); }
    }
  } catch (error) { /* asked again in a while */ }
  busy = false;
}

async function push(event) {
  event.preventDefault();
  if ($("push").disabled) return;
  $("push").disabled = true; // a second press while the page still loads
  for (const name of ["repo", "token"]) $(name).removeAttribute("aria-invalid");
  for (let n = 0; !key && n < 50; n++) await new Promise((go) => setTimeout(go, 100)); // a page that still loads
  let id = null;
  try { id = key ? await runId() : null; } catch (error) { refuse({ message: error.message }); return; }
  if (!id) { refuse({ message: "There is no run yet: start one first." }); return; }
  asking = true;
  isRefused = false;
  say("Starting the push…");
  $("done").hidden = true;
  showCode(null);
  buttons();
  trigger("pushed", { run: id, repo: $("repo").value, format: $("format").value, private: $("private").checked, token: $("token").value });
}

async function cancel() {
  let id = null;
  try { id = key ? await runId() : null; } catch (error) { refuse({ message: error.message }); return; }
  if (!id) return;
  asking = true;
  say("Cancelling…");
  buttons();
  trigger("cancelled", { run: id });
}

$("form").onsubmit = push;
$("cancel").onclick = cancel;
$("format").onchange = () => login({ has_login: hadLogin });
const clock = setInterval(() => {
  if (!element.isConnected) { clearInterval(clock); return; }
  if (state && AT_WORK.includes(state.stage)) poll();
}, EVERY);
document.addEventListener("visibilitychange", () => { if (element.isConnected) poll(); });
watch("value", () => attach(props.value));
login({ has_login: false });
attach(props.value);
