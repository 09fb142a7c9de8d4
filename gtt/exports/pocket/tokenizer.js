// Text to token numbers and back: one token for a character, or byte pairs as GPT-2 has them.

/** The tokenizer that `layout` describes: { kind: "char" | "bpe", tokens, merges, marks }. */
function makeTokenizer(layout) {
  return layout.kind === "char" ? new Characters(layout) : new BytePairs(layout);
}

/** One token for each character of the training text. */
class Characters {
  constructor({ tokens }) {
    this.tokens = tokens;
    this.ids = new Map(tokens.map((token, id) => [token, id]));
  }

  encode(text) {
    const characters = Array.from(text);
    const unknown = [...new Set(characters.filter((one) => !this.ids.has(one)))];
    if (unknown.length) {
      const shown = unknown.slice(0, 5).map((one) => JSON.stringify(one)).join(", ");
      throw new Error(`This model has never seen ${shown}: leave it out.`);
    }
    return characters.map((one) => this.ids.get(one));
  }

  decode(ids) {
    return ids.map((id) => this.tokens[id]).join("");
  }
}

/**
 * Byte pairs (Sennrich et al. 2016). A text is cut into words, a word into bytes, and the bytes are
 * joined pair by pair: always the pair that the training text joined first.
 */
class BytePairs {
  constructor({ tokens, merges, marks }) {
    this.tokens = tokens;
    this.ids = new Map(tokens.map((token, id) => [token, id]));
    this.ranks = new Map(merges.map((pair, rank) => [pair, rank])); // pair as "first second"
    this.marks = marks; // tokens that stand in a text as they are, such as <|endoftext|>
    this.symbols = byteSymbols();
    this.bytes = new Map(this.symbols.map((symbol, byte) => [symbol, byte]));
    this.words = new Map(); // those met before
  }

  encode(text) {
    const ids = [];
    for (const part of splitAtMarks(text, this.marks)) {
      if (this.marks.includes(part)) ids.push(this.ids.get(part));
      else for (const word of part.match(WORDS) || []) {
        for (const id of this.encodeWord(word)) ids.push(id);
      }
    }
    return ids;
  }

  encodeWord(word) {
    if (this.words.has(word)) return this.words.get(word);
    const parts = Array.from(new TextEncoder().encode(word), (byte) => this.symbols[byte]);
    const rank = (i) => this.ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Infinity;
    const ranks = parts.map((_, i) => rank(i)); // of each part with the next one
    while (parts.length > 1) {
      let at = 0;
      for (let i = 1; i < ranks.length; i++) if (ranks[i] < ranks[at]) at = i;
      if (ranks[at] === Infinity) break;
      parts.splice(at, 2, parts[at] + parts[at + 1]);
      ranks.splice(at + 1, 1);
      ranks[at] = rank(at);
      if (at > 0) ranks[at - 1] = rank(at - 1);
    }
    const ids = parts.map((part) => this.ids.get(part));
    this.words.set(word, ids);
    return ids;
  }

  /** Bytes that are no whole character read as U+FFFD. */
  decode(ids) {
    const bytes = [];
    for (const id of ids) {
      const symbols = Array.from(this.tokens[id]);
      if (symbols.every((one) => this.bytes.has(one))) {
        bytes.push(...symbols.map((one) => this.bytes.get(one)));
      } else {
        bytes.push(...new TextEncoder().encode(this.tokens[id]));
      }
    }
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  }
}

/** Words as GPT-2 cuts them, with the space before a word belonging to it. */
const WORDS = new RegExp(
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\p{White_Space}\\p{L}\\p{N}]+"
    + "|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+",
  "gu",
);

function splitAtMarks(text, marks) {
  if (!marks.length) return [text];
  const escaped = marks.map((mark) => mark.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return text.split(new RegExp(`(${escaped.join("|")})`)).filter((part) => part !== "");
}

/** A visible character for each byte: itself where it is one, else one from U+0100 on. */
function byteSymbols() {
  const isVisible = (byte) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  let hidden = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isVisible(byte) ? byte : 256 + hidden++));
}
