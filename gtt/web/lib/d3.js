/**
 * D3, which the page loads as a script of its own (see `gtt/ui/assets.py`).
 *
 * D3 gained `join` in 5.8; the one that is shipped is older.
 */
export const d3 = /** @type {typeof import("d3")} */ (/** @type {any} */ (globalThis).d3);

if (d3 && !d3.selection.prototype.join) {
  /** @this {any} @param {any} make */
  d3.selection.prototype.join = function join(make) {
    this.exit().remove();
    const made = typeof make === "string" ? this.enter().append(make) : make(this.enter());
    return made.merge(this);
  };
}
