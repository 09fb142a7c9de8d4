// The Generation tab. What things are called and what they mean: from the settings and the concepts
// of the server, said once there.
const { told } = props; // {settings, concepts, samples}

// An element with text in it: whatever the text says, it stays text.
function made(kind, name, text) {
  const one = document.createElement(kind);
  if (name) one.className = name;
  if (text !== undefined) one.textContent = text;
  return one;
}
const whole = (v) => Math.round(v).toLocaleString("en");
const quoted = (text) => `“${visible(text)}”`;

// A question of which every answer counts, unlike those of `ask`; errors come as `{error}`.
async function inquire(name, values) {
  try { return await server[name]({ workspace: key, ...values }); } catch (error) { return { error: { message: "The server does not answer: try again in a moment." } }; }
}

// Concepts are markdown with `code` and nothing else that matters here.
function paragraphs(body) {
  return body.split("\n\n").map((text) => {
    const one = made("p");
    text.split("`").forEach((piece, i) => one.append(i % 2 ? made("code", "", piece) : piece));
    return one;
  });
}

function conceptOf(name) {
  const setting = told.settings.find((one) => one.key === `generation.${name}`);
  return setting ? { title: setting.label, tip: setting.tip, body: setting.body } : told.concepts[name] || null;
}

function why(name, title) {
  const button = made("button", "why", "?");
  button.type = "button";
  button.dataset.concept = name;
  nameWhy(button, title);
  return button;
}

function nameWhy(button, title) {
  const concept = conceptOf(button.dataset.concept);
  button.setAttribute("aria-label", `What is ${(title || (concept && concept.title) || button.dataset.concept).toLowerCase()}?`);
  button.setAttribute("aria-expanded", "false");
  if (concept) button.title = concept.tip;
}

// One click opens the explanation under what it belongs to, another closes it.
element.addEventListener("click", (event) => {
  const button = event.target.closest("button.why");
  if (!button) return;
  event.preventDefault(); // also where it stands in a label or a summary
  const host = button.closest(".field, .setting, h2, h3, p, .pick, .legend, .row, .figure") || button;
  const open = host.nextElementSibling;
  if (open && open.classList.contains("about") && open.dataset.of === button.dataset.concept) { open.remove(); button.setAttribute("aria-expanded", "false"); return; }
  const concept = conceptOf(button.dataset.concept);
  if (!concept) return;
  const box = made("div", "about");
  box.dataset.of = button.dataset.concept;
  box.append(made("strong", "", concept.title), made("p", "tip-line", concept.tip), ...paragraphs(concept.body));
  host.after(box);
  button.setAttribute("aria-expanded", "true");
});
