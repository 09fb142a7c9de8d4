/** Where a tip stands. */

const AWAY = 14; // pixels between the pointer and its tip
const BESIDE = 6; // between a thing and its tip
const EDGE = 8; // between a tip and the window

/**
 * Below the point, or the thing; above it where there is no room.
 *
 * @param {HTMLElement} tip
 * @param {DOMRect} box of the thing
 * @param {{ x: number, y: number } | null} point of the pointer, if it is there
 */
export function place(tip, box, point) {
  const { left, top } = corner(tip.getBoundingClientRect(), box, point, {
    width: innerWidth,
    height: innerHeight,
  });
  tip.style.left = `${left}px`;
  tip.style.top = `${top}px`;
}

/**
 * The upper left corner of a tip of this size.
 *
 * @param {{ width: number, height: number }} mine
 * @param {{ left: number, top: number, bottom: number }} box
 * @param {{ x: number, y: number } | null} point
 * @param {{ width: number, height: number }} window
 */
export function corner(mine, box, point, window) {
  const [top, bottom] = point ? [point.y, point.y] : [box.top, box.bottom];
  const away = point ? AWAY : BESIDE;
  const left = point ? point.x - AWAY : box.left;
  const isBelow = bottom + away + mine.height <= window.height - EDGE / 2;
  return {
    left: Math.max(EDGE, Math.min(left, window.width - mine.width - EDGE)),
    top: isBelow ? bottom + away : Math.max(EDGE, top - mine.height - away),
  };
}
