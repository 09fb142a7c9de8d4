/**
 * The way of an arrow, and where its shape is written.
 *
 * @typedef {import("./graph.js").Box} Box
 * @typedef {import("./graph.js").Edge} Edge
 * @typedef {{ kind: "flow" | "trunk" | "read" | "write", path: string, x: number, y: number,
 *   anchor: "start" | "middle" | "end" }} Route
 * @typedef {Edge & Route & { letters: string, numbers: string }} Wire
 */
import { configOf, inLetters } from "./parts.js";

/**
 * @param {Edge} edge
 * @param {import("./layout.js").Graph} graph
 * @param {import("./layout.js").Sizes} size
 * @param {import("./parts.js").Drawn} drawn
 * @returns {Wire}
 */
export function routeOf(edge, { by, into }, size, drawn) {
  const a = /** @type {Box} */ (by.get(edge.source));
  const b = /** @type {Box} */ (by.get(edge.target));
  const letters = edge.maker ? inLetters(edge.shape, edge.maker, drawn) : edge.shape.join(" × ");
  const readers = (into.get(b.id) || []).filter((one) => !one.ghost).length;
  return {
    ...edge,
    letters: letters.replace(/ × /g, " "),
    numbers: edge.shape.join("×"),
    ...wayOf(a, b, size.trunk, readers > 1, configOf(drawn).residual),
  };
}

/**
 * @param {Box} a where it begins
 * @param {Box} b where it ends
 * @param {number} trunk
 * @param {boolean} isOneOfSeveral that end there
 * @param {boolean} hasStream whether there is a residual stream
 * @returns {Route}
 */
function wayOf(a, b, trunk, isOneOfSeveral, hasStream) {
  const middle = (/** @type {Box} */ box) => box.x + box.w / 2;
  const isStem = (/** @type {Box} */ box) => box.trunk && !box.aside;
  const ax = isStem(a) ? trunk : middle(a);
  const bottom = a.y + a.h;
  const mid = b.y + b.h / 2;
  const down = `M${ax},${bottom}V${b.y - 5}`;
  const below = { x: ax + 7, y: bottom + 16, anchor: /** @type {const} */ ("start") };
  if (isStem(a) && isStem(b)) {
    const isStream = hasStream && !/^(ln_f|lm_head)$/.test(a.id);
    return { ...below, kind: isStream ? "trunk" : "flow", path: down, x: ax + 9 };
  }
  if (a.trunk && !b.trunk) {
    const path = `M${ax},${bottom}V${mid}H${b.x - 5}`;
    return { kind: "read", path, x: b.x - 9, y: mid - 6, anchor: "end" };
  }
  if (b.round) {
    const end = b.x + b.w + 5;
    const isLevel = Math.abs(a.y + a.h / 2 - mid) < 1;
    if (!isLevel) return { ...below, kind: "write", path: `M${ax},${bottom}V${mid}H${end}` };
    return {
      kind: "write",
      path: `M${a.x},${mid}H${end}`,
      x: end + 5,
      y: mid - 6,
      anchor: "start",
    };
  }
  const bx = b.operation === "block" ? ax : isStem(b) ? trunk : middle(b);
  if (Math.abs(ax - bx) < 1) return { ...below, kind: "flow", path: down };
  const isRight = bx > ax;
  const side = isRight ? b.x - 5 : b.x + b.w + 5;
  if (Math.abs(a.y - b.y) < 1) {
    const path = `M${isRight ? a.x + a.w : a.x},${mid}H${side}`;
    return { kind: "flow", path, x: ax, y: a.y - 6, anchor: "middle" };
  }
  if (isOneOfSeveral) return { ...below, kind: "flow", path: `M${ax},${bottom}V${mid}H${side}` };
  const path = `M${ax},${bottom}V${bottom + 7}H${bx}V${b.y - 5}`;
  return { kind: "flow", path, x: bx + 6, y: b.y - 6, anchor: "start" };
}
