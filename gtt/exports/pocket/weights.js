// The weights of the model, as the training left them, kept in half the bits of a Float32.

/** The bytes that a base64 text stands for. */
function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** What the 16 bits of a half-precision number mean: sign, 5 bits of exponent, 10 of fraction. */
function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

/**
 * Every tensor by its name, as { data, shape }. `tensors` lists names and shapes in the order in
 * which their numbers follow each other in `base64`.
 */
function readWeights(tensors, base64) {
  const bytes = bytesOf(base64);
  const table = Float32Array.from({ length: 65536 }, (_, bits) => halfToNumber(bits));
  const weights = {};
  let at = 0;
  for (const [name, shape] of tensors) {
    const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
    for (let i = 0; i < data.length; i++, at += 2) {
      data[i] = table[bytes[at] | (bytes[at + 1] << 8)];
    }
    weights[name] = { data, shape };
  }
  return weights;
}
