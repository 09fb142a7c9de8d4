/** How well the model sees a text coming that somebody wrote. */
import { ask } from "../../lib/api.js";
import { oneIn, whole } from "../../lib/format.js";
import { addFigure, showReadout } from "./readout.js";
import { TokenText } from "./tokens.js";

const EMPTY = "The text is empty: write at least one character.";
const SINGLE = "A single token: nothing stands before it, so there is nothing to measure.";

export class OwnText {
  #bench;
  isRead = false;
  tokens;

  /** @param {import("./bench.js").Bench} bench */
  constructor(bench) {
    this.#bench = bench;
    const { part, look } = bench;
    this.tokens = new TokenText("Your text", look, (place) => {
      const { tokens } = this.tokens;
      showReadout(part("own-readout"), look, tokens[place], place, tokens.length, null);
    });
    part("own-read").onclick = () => this.read();
  }

  async read() {
    const { part, picker } = this.#bench;
    const text = part("own").value;
    const said = part("own-said");
    said.textContent = text ? "" : EMPTY;
    if (!text) return;
    part("own-read").disabled = true;
    const answer = await ask("read_text", { ...picker.chosen, text, alternatives: 8 });
    part("own-read").disabled = false;
    if (answer.error) {
      said.textContent = answer.error.message;
      return;
    }
    this.isRead = true;
    part("own-readout").hidden = true;
    if (!this.tokens.box.isConnected) part("own-text").append(this.tokens.box);
    this.tokens.show(answer.tokens);
    this.#show(answer);
  }

  /** Another model: what the one before said of the text is read anew. */
  modelChanged() {
    const { part, picker } = this.#bench;
    if (!this.isRead) return;
    this.isRead = false;
    this.tokens.box.remove();
    part("own-figures").replaceChildren();
    part("own-readout").hidden = true;
    if (part("own-part").open && !picker.lack) this.read();
  }

  /** @param {import("../../types/ask").Answer<"read_text">} reading */
  #show({ loss, perplexity, bits_per_byte: bits, tokens }) {
    const figures = this.#bench.part("own-figures");
    figures.replaceChildren();
    if (loss === null || perplexity === null) {
      this.#bench.part("own-said").textContent = SINGLE;
      return;
    }
    const hard = perplexity > 1e6 ? perplexity.toExponential(2) : perplexity.toFixed(2);
    addFigure(figures, "Perplexity", hard, "perplexity", {
      concept: "perplexity",
      means: "equally likely tokens, as hard to guess",
    });
    addFigure(figures, "Bits per byte", bits === null ? "–" : bits.toFixed(3), "bits_per_byte", {
      concept: "bits_per_byte",
      means: bits === null ? "" : `1,000 bytes would pack into ${whole(125 * bits)}`,
    });
    addFigure(figures, "Loss", `${loss.toFixed(3)} nats per token`, "loss", {
      concept: "loss",
      means: `one right guess in ${oneIn(loss)}`,
    });
    addFigure(figures, "Tokens", whole(tokens.length), "tokens");
  }
}
