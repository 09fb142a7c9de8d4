/** The units that a loss is shown in. @typedef {keyof typeof UNITS} Unit */

export const UNITS = {
  loss: { name: "loss", title: "Loss (nats per token)" },
  perplexity: { name: "perplexity", title: "Perplexity" },
  bits: { name: "bits per byte", title: "Bits per byte" },
};

/**
 * A loss in a unit.
 *
 * @param {Unit} unit
 * @param {number} loss nats per token
 * @param {number} bytes of text in a token
 */
export function convert(unit, loss, bytes) {
  if (unit === "perplexity") return Math.exp(loss);
  return unit === "bits" ? loss / (bytes * Math.LN2) : loss;
}
