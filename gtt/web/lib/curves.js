/**
 * Curves as lists of points, and what is asked of them.
 *
 * @typedef {[number, number][]} Points steps and values
 */

/**
 * At most about so many points: of each stretch its lowest and its highest stay, so that no peak is
 * lost.
 *
 * @param {Points} points
 * @param {number} most
 * @returns {Points}
 */
export function thin(points, most) {
  if (points.length <= most) return points;
  const kept = [points[0]];
  const size = Math.ceil((2 * points.length) / most) * 2;
  for (let i = 1; i < points.length - 1; i += size) {
    const part = points.slice(i, Math.min(i + size, points.length - 1));
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    if (low[0] === high[0]) kept.push(low);
    else kept.push(...(low[0] < high[0] ? [low, high] : [high, low]));
  }
  kept.push(points[points.length - 1]);
  return kept;
}

/**
 * The running mean; `keep` is the share that stays of what came before.
 *
 * @param {Points} points
 * @param {number} keep
 * @returns {Points}
 */
export function smooth(points, keep) {
  let mean = points.length ? points[0][1] : 0;
  return points.map(([step, value]) => {
    mean = keep * mean + (1 - keep) * value;
    return [step, mean];
  });
}

/**
 * The point whose step is nearest.
 *
 * @param {Points} points by step
 * @param {number} step
 */
export function nearest(points, step) {
  if (!points.length) return null;
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < step) low = middle + 1;
    else high = middle;
  }
  const before = points[Math.max(0, low - 1)];
  return Math.abs(before[0] - step) <= Math.abs(points[low][0] - step) ? before : points[low];
}

/** The last point up to a step. @param {Points | undefined} points @param {number} step */
export const upTo = (points, step) => (points || []).findLast((point) => point[0] <= step);

/**
 * Labels that would lie on each other move apart.
 *
 * @param {{ name: string, y: number }[]} labels
 * @param {number} gap
 * @returns {Record<string, number>}
 */
export function spread(labels, gap) {
  const sorted = labels.map((label) => ({ ...label })).sort((a, b) => a.y - b.y);
  for (let i = 1; i < sorted.length; i += 1) {
    sorted[i].y = Math.max(sorted[i].y, sorted[i - 1].y + gap);
  }
  return Object.fromEntries(sorted.map((label) => [label.name, label.y]));
}
