// A sentence cut by three tokenizers: bars of characters per token, which choose whose chips are
// shown. `value` is {workspace, text, data}.
const MOST_CHIPS = 600;
const MOST_CHARACTERS = 2000; // that the endpoint takes
const NAMES = {
  char: ["Characters", (way) => `${whole(way.vocab_size)} in this text`],
  bpe: ["Byte pairs of this text", (way) => `${whole(way.vocab_size)} tokens, learned from its beginning`],
  gpt2: ["GPT-2", (way) => `${whole(way.vocab_size)} tokens, from the web`],
};
const RUNS = { char: "char", bpe: "bpe", pretrained: "gpt2" };
let answer = null, chosen = "bpe", cutOff = 0;

function show(given) {
  if (!lay(given)) { answer = null; return; }
  // Another tokenizer in the settings is the one to look at.
  if (!answer || answer.tokenizer !== given.tokenizer) chosen = RUNS[given.tokenizer] || chosen;
  answer = given;
  draw();
  const words = answer.ways.filter((way) => !way.said).map((way) => `${NAMES[way.name][0]} ${whole(way.count)}`);
  $("summary").textContent = `${whole(answer.characters)} characters, ${whole(answer.bytes)} bytes. Tokens: ${words.join(", ")}.${cutOff ? ` The last ${whole(cutOff)} characters are left out.` : ""}`;
}

function draw(focus) {
  const ways = answer.ways, most = Math.max(...ways.map((way) => way.characters_per_token || 0), 1);
  if (!ways.some((way) => way.name === chosen && !way.said)) chosen = ways.find((way) => !way.said).name;
  $("ways").replaceChildren(...ways.map((way) => bar(way, most)));
  if (focus) $("ways").querySelector('[aria-checked="true"]').focus();
  const tokens = ways.find((way) => way.name === chosen).tokens;
  $("chips").replaceChildren(...tokens.slice(0, MOST_CHIPS).map((token) => chip(token)));
  const rest = tokens.length - MOST_CHIPS;
  $("more").textContent = rest > 0 ? `… and ${whole(rest)} more tokens.` : "";
}

// Characters that the tokenizer has no token for: how often they stand in the sentence, and which.
function missing(way) {
  if (!way.unknown.length) return "";
  const count = way.tokens.filter((token) => token.id === null).length, few = way.unknown.slice(0, 5).map((one) => `“${seen({ text: one, whole: true })}”`);
  return `, and ${whole(count)} ${count === 1 ? "character" : "characters"} it does not know: ${few.join(" ")}${way.unknown.length > few.length ? " …" : ""}`;
}

function bar(way, most) {
  const button = made("button", undefined, "way"), name = made("span", NAMES[way.name][0], "name");
  button.type = "button";
  button.setAttribute("role", "radio");
  button.setAttribute("aria-checked", way.name === chosen);
  button.tabIndex = way.name === chosen ? 0 : -1;
  button.dataset.way = way.name;
  const mine = RUNS[answer.tokenizer] === way.name ? " · what the settings choose" : "";
  name.append(made("small", way.said ? "" : NAMES[way.name][1](way) + mine));
  button.append(name);
  if (way.said) {
    button.disabled = true;
    button.append(made("span", way.said, "said"));
    return button;
  }
  const track = made("span", undefined, "track"), fill = made("i"), numbers = made("span", undefined, "numbers");
  fill.style.width = `${(100 * way.characters_per_token) / most}%`;
  track.setAttribute("aria-hidden", "true");
  track.append(fill);
  numbers.append(made("b", way.characters_per_token.toFixed(2)), " characters per token ", made("small", `${whole(way.count)} tokens${missing(way)}`));
  button.append(track, numbers);
  button.onclick = () => { chosen = way.name; draw(true); };
  return button;
}

// One stop for the keyboard, arrows in between, as the ARIA pattern for radio buttons has it.
$("ways").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step || !answer) return;
  event.preventDefault();
  const there = answer.ways.filter((way) => !way.said).map((way) => way.name);
  chosen = there[(there.indexOf(chosen) + step + there.length) % there.length];
  draw(true);
});

const want = seeker((wish) => server.compare(wish), show, () => { answer = null; lay(null); });
function attach(value) {
  if (!value || !value.workspace) return;
  const text = value.text || "";
  cutOff = Math.max(0, text.length - MOST_CHARACTERS);
  if (answer) $("all").hidden = !text;
  if (!text) { $("waiting").hidden = true; return; }
  want({ workspace: value.workspace, ...value.data, text: text.slice(0, MOST_CHARACTERS) });
}
watch("value", () => attach(props.value));
attach(props.value);
