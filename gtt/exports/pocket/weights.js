// The weights of the model, in fewer bits than a Float32 has: 16, or 8 where a file would be large.

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
 * Every tensor by its name, as { data, shape }, and with { scales } where `data` are whole numbers
 * from -127 to 127: then the weights of row i are `data` times scales[i]. `tensors` lists name,
 * shape and kind in the order in which their numbers follow each other in `base64`.
 */
function readWeights(tensors, base64) {
  const bytes = bytesOf(base64);
  const table = Float32Array.from({ length: 65536 }, (_, bits) => halfToNumber(bits));
  const weights = {};
  let at = 0;
  const halves = (count) => {
    const numbers = new Float32Array(count);
    for (let i = 0; i < count; i++, at += 2) numbers[i] = table[bytes[at] | (bytes[at + 1] << 8)];
    return numbers;
  };
  for (const [name, shape, kind] of tensors) {
    const count = shape.reduce((product, n) => product * n, 1);
    if (kind === "fp16") {
      weights[name] = { data: halves(count), shape, scales: null };
      continue;
    }
    const scales = new Float32Array(bytes.slice(at, at + 4 * shape[0]).buffer);
    at += 4 * shape[0];
    weights[name] = { data: new Int8Array(bytes.buffer, at, count), shape, scales };
    at += count;
  }
  return weights;
}
