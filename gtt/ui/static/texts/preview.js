// What a text is before a model is trained on it. `value` is {workspace, data}: the settings of the
// page, which may be a moment ahead of the draft on the desk.
const EXAMS = {
  "exact answers": "While it trains, the model is given prompts that are not in its text; the score is the share of answers that are right to the letter. For example:",
  "valid sentences": "While it trains, the model writes tales from a first word; the score is the share of its sentences that the grammar of the tales allows; many continuations are right. It begins with, for example,",
};
const TASKS = ["copy", "reverse", "addition", "induction"]; // whose exam is a table
const PAGE = 2000; // characters of a printed page
const COUNTED = {
  corpus: () => "prepared by a run: every number is of the whole text",
  whole: () => "counted over the whole text",
  beginning: (text) => `counted over the beginning, ${bytes(text.bytes)}${text.total_bytes ? ` of about ${bytes(text.total_bytes)}` : ""}`,
  nothing: (text) => `not here yet${text.total_bytes ? `, about ${bytes(text.total_bytes)}` : ""}`,
};

function bytes(count) {
  if (count < 1000) return `${count} bytes`;
  return count < 1e6 ? `${(count / 1e3).toPrecision(3)} kB` : `${(count / 1e6).toPrecision(3)} MB`;
}

function figure(name, value, more) {
  const box = made("div"), shown = made("dd", value === null ? "–" : whole(value));
  if (more) shown.append(made("small", more));
  box.append(made("dt", name), shown);
  return box;
}

function show(text) {
  if (!lay(text)) return;
  const counted = text.counted !== "nothing";
  $("title").textContent = text.title;
  $("counted").textContent = COUNTED[text.counted](text);
  $("said").hidden = !text.said;
  $("said").textContent = text.said;
  const ratio = text.tokens ? (text.characters / text.tokens).toFixed(2) : null;
  const used = text.vocab_size ? `of ${whole(text.vocab_size)} in the vocabulary` : "";
  $("figures").replaceChildren(
    figure("Characters", text.characters), figure("Bytes", text.bytes, text.bytes ? bytes(text.bytes) : ""),
    figure("Lines", text.lines, text.documents ? `${whole(text.documents)} documents` : ""),
    figure("Tokens", text.tokens, ratio ? `${ratio} characters each` : ""),
    figure("Distinct tokens", text.distinct_tokens, used),
  );
  $("means").textContent = counted ? meaning(text) : "";
  $("figures").hidden = !counted;
  $("sides").hidden = !counted;
  $("halves").hidden = !counted;
  $("beginning").textContent = text.beginning;
  $("beginning").scrollTop = 0;
  showFrequent(text);
  showParts(text);
  showExam(text.exam);
  $("notes").replaceChildren(...text.notes.map((note) => made("li", note)));
}

// What the counts come to, for whoever has no feeling for them yet.
function meaning(text) {
  const words = [], [most] = text.frequent;
  if (text.tokens) {
    const page = whole((PAGE * text.tokens) / text.characters);
    words.push(`A page of ${whole(PAGE)} characters is about ${page} tokens.`);
  }
  if (most) words.push(`One token in ${(text.tokens / most.count).toPrecision(2)} is “${seen(most)}”.`);
  return words.join(" ");
}

function showFrequent(text) {
  $("frequent-side").hidden = !text.frequent.length;
  const most = text.frequent.length ? text.frequent[0].count : 1;
  $("frequent").replaceChildren(...text.frequent.map((token) => {
    const row = made("li"), bar = made("span", "", "bar");
    bar.style.width = `${(100 * token.count) / most}%`;
    bar.setAttribute("aria-hidden", "true");
    const share = ((100 * token.count) / text.tokens).toFixed(1);
    const name = made("span", seen(token), "text");
    name.title = `token ${token.id}`;
    row.append(name, bar, made("span", `${whole(token.count)} · ${share} %`, "count"));
    return row;
  }));
}

function sizes(part) {
  const words = [];
  if (part.characters !== null) words.push(`${whole(part.characters)} characters`);
  else if (part.bytes !== null) words.push(`about ${bytes(part.bytes)}`);
  if (part.tokens !== null) words.push(`${whole(part.tokens)} tokens`);
  return words.join(", ") || "not known before the text is prepared";
}

function showParts(text) {
  const { train, validation } = text, all = (train.bytes || 0) + (validation.bytes || 0);
  const share = all ? validation.bytes / all : null;
  const [first, second] = $("split").children;
  $("split").hidden = share === null;
  first.style.flex = `${1 - share} 1 0`;
  second.style.flex = `${share} 1 0`;
  $("train").textContent = sizes(train);
  $("valid").textContent = sizes(validation);
  const percent = share === null ? "" : ` (${(100 * share).toFixed(1)} %)`;
  const boundary = text.documents > 1 ? "at the end of the document that is nearest" : "at that very character";
  $("where").textContent = text.after_cut
    ? `The last part${percent} is never trained on: on it the validation loss is measured.`
    : `The last part${percent} will be held back, ${boundary}; its text is shown once a run has prepared it.`;
  $("cut").hidden = !text.after_cut;
  $("before").textContent = `…${text.before_cut}`;
  $("after").textContent = `${text.after_cut}…`;
  $("before").scrollTop = $("before").scrollHeight;
}

function showExam(exam) {
  $("exam").hidden = !exam;
  if (!exam) return;
  const isOpen = exam.answers.every((answer) => answer === null); // many answers are right
  const listed = exam.questions.map((question) => `“${question}”`).join(", ");
  const words = EXAMS[exam.metric] || `The score is the share of ${exam.metric}. For example:`;
  $("exam-words").textContent = isOpen ? `${words} ${listed}.` : words;
  $("table").hidden = isOpen;
  $("questions").replaceChildren(...exam.questions.map((question, i) => {
    const row = made("tr");
    row.append(made("td", question), made("td", exam.answers[i] || ""));
    return row;
  }));
}

const want = seeker((wish) => server.preview(wish), show, () => lay(null));
let prepared = "";
function moved(event) {
  if (!element.isConnected) { document.removeEventListener("gtt:run", moved); return; }
  const { id = "", state = "" } = event.detail || {};
  if (!["running", "completed"].includes(state) || id === prepared) return;
  prepared = id;
  want.again();
}
document.addEventListener("gtt:run", moved);
function attach(value) {
  const { source } = (value && value.data) || {};
  element.querySelector(".gtt-preview").classList.toggle("task", TASKS.includes(source));
  if (value && value.workspace) want({ workspace: value.workspace, ...value.data });
}
watch("value", () => attach(props.value));
attach(props.value);
