// How well the model sees a text coming that somebody wrote.
const ownTokens = new TokenText("Your text", (place) => {
  const token = ownTokens.tokens[place];
  showReadout($("own-readout"), token, place, ownTokens.tokens.length, null);
});
let ownReading = null;

async function readOwn() {
  const text = $("own").value, said = $("own-said");
  if (text === "") { said.textContent = "The text is empty: write at least one character."; return; }
  $("own-read").disabled = true;
  const answer = await inquire("read", { ...picker.chosen, text, alternatives: 8 });
  $("own-read").disabled = false;
  said.textContent = answer.error ? answer.error.message : "";
  if (answer.error) return;
  ownReading = answer;
  $("own-readout").hidden = true;
  if (!$("own-text").contains(ownTokens.box)) $("own-text").append(ownTokens.box);
  ownTokens.show(answer.tokens);
  showOwn();
}

// Another model: what the one before said of the text is read anew.
function ownChanged() {
  if (!ownReading) return;
  ownReading = null;
  ownTokens.box.remove();
  $("own-figures").replaceChildren();
  $("own-readout").hidden = true;
  if ($("own-part").open && !picker.lack) readOwn();
}

function showOwn() {
  if (!ownReading) return;
  const { loss, perplexity, bits_per_byte: bits } = ownReading;
  if (loss === null) { $("own-figures").replaceChildren(); $("own-said").textContent = "A single token: nothing stands before it, so there is nothing to measure."; return; }
  const hard = perplexity > 1e6 ? perplexity.toExponential(2) : perplexity.toFixed(2);
  const packed = bits === null ? "" : `1,000 bytes would pack into ${whole(125 * bits)}`;
  $("own-figures").replaceChildren(
    figure("Perplexity", hard, "perplexity", "perplexity", "equally likely tokens, as hard to guess"),
    figure("Bits per byte", bits === null ? "–" : bits.toFixed(3), "bits_per_byte", "bits_per_byte", packed),
    figure("Loss", `${loss.toFixed(3)} nats per token`, "loss", "loss", `one right guess in ${oneIn(loss)}`),
    figure("Tokens", whole(ownReading.tokens.length), "tokens"),
  );
}
