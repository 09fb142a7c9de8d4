// One attention map with tokens on both axes, in a room that can be scrolled: only what is seen of
// it is drawn, so that 256 tokens can be as large as one wants. A crosshair follows pointer and keys.
const LONGEST_LABEL = 14, LARGEST_CELL = 46, ROOM = 640;
const BESIDE = 16, EDGES = 90; // pixels that a map is higher than wide, and that its names take
const label = (text) => { const shown = visible(text); return shown.length > LONGEST_LABEL ? `${shown.slice(0, LONGEST_LABEL - 1)}…` : shown; };

class MapView {
  // `moved(q, k)` when the crosshair is on another cell, `picked(q)` when a row is chosen.
  constructor(host, { moved = () => {}, picked = null, largest = LARGEST_CELL, named = "Attention map" } = {}) {
    Object.assign(this, { host, moved, picked, largest, zoom: null, cross: null, map: null, width: 0 });
    this.room = document.createElement("div");
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-roledescription", "attention map");
    this.canvas.setAttribute("aria-label", `${named}: arrow keys move over its cells`);
    this.room.append(this.canvas);
    host.append(this.room);
    host.onscroll = () => this.draw();
    new ResizeObserver(() => { if (host.clientWidth && host.clientWidth !== this.width) this.plan(); }).observe(host);
    this.canvas.onpointermove = (event) => this.point(event);
    this.canvas.onclick = (event) => { this.point(event); if (this.cross && this.picked) this.picked(this.cross.q); };
    this.canvas.onkeydown = (event) => this.key(event);
    this.canvas.onfocus = () => { if (this.map && !this.cross) { const { q, k } = strongestOf(this.map); this.go(q, k); } };
  }

  // `look` has `ramp` and `scale`, and may have `outlined`, pairs of query and key.
  show(map, tokens, look) {
    const same = this.map && this.map.n === map.n;
    Object.assign(this, { map, tokens, look, labels: tokens.map(label) });
    this.picture = pictureOf(map, look.scale, look.ramp);
    if (!same) { this.cross = null; this.zoom = null; }
    this.plan();
  }

  // The room of a map that is still to come, of so many tokens at most.
  reserve(n) {
    this.awaited = n;
    const wide = this.host.clientWidth;
    if (wide) this.host.style.minHeight = `${Math.min(wide + BESIDE, n * this.largest + EDGES)}px`;
  }

  release() {
    this.awaited = 0;
    this.host.style.minHeight = "";
  }

  plan() {
    const { host, map } = this;
    this.width = host.clientWidth;
    if (this.awaited) this.reserve(this.awaited);
    if (!map || !this.width) return;
    this.pen = this.canvas.getContext("2d");
    this.font = `12px ${getComputedStyle(host).fontFamily}`;
    this.pen.font = this.font;
    const most = this.width < 480 ? 64 : 96;
    const longest = Math.min(most, Math.max(...this.labels.map((text) => this.pen.measureText(text).width)));
    this.left = longest + 10;
    const slanted = this.zoom || (this.width - this.left - 8) / map.n;
    this.angle = slanted >= 15 ? -Math.PI / 3 : -Math.PI / 2;
    const right = this.angle === -Math.PI / 2 ? 6 : Math.max(6, Math.ceil(longest / 2 - slanted / 2));
    this.top = this.angle === -Math.PI / 2 ? longest + 14 : Math.ceil(longest * 0.87) + 18;
    this.fitting = Math.min(this.largest, Math.max(1, (this.width - this.left - right) / map.n));
    this.cell = this.zoom || this.fitting;
    const across = this.left + map.n * this.cell + right, down = this.top + map.n * this.cell + 4;
    this.room.style.width = `${across}px`;
    this.room.style.height = `${down}px`;
    host.style.height = this.zoom ? `${Math.min(down, ROOM)}px` : "";
    const seenWidth = Math.min(across, this.width), seenHeight = this.zoom ? Math.min(down, ROOM) : down, dots = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(seenWidth * dots);
    this.canvas.height = Math.round(seenHeight * dots);
    this.canvas.style.width = `${seenWidth}px`;
    this.canvas.style.height = `${seenHeight}px`;
    this.seen = [seenWidth, seenHeight];
    this.dots = dots;
    this.draw();
  }

  draw() {
    const { pen, map, cell, left, top, host } = this;
    if (!map || !pen) return;
    const [width, height] = this.seen, x0 = left - host.scrollLeft, y0 = top - host.scrollTop, side = map.n * cell;
    pen.setTransform(this.dots, 0, 0, this.dots, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.save();
    pen.beginPath();
    pen.rect(left, top, width - left, height - top);
    pen.clip();
    pen.fillStyle = this.hatch();
    pen.fillRect(x0, y0, side, side);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.picture, x0, y0, side, side);
    if (cell >= 30) this.figures(x0, y0);
    pen.lineWidth = Math.max(1, Math.min(2.5, cell / 6));
    pen.strokeStyle = styleOf("--gtt-valid") || "#c44900";
    for (const [q, k] of this.look.outlined || []) pen.strokeRect(x0 + k * cell + 1, y0 + q * cell + 1, Math.max(1, cell - 2), Math.max(1, cell - 2));
    if (this.cross) this.crosshair(x0, y0, side);
    pen.restore();
    this.axes(x0, y0);
  }

  // Nobody may look ahead: those cells are hatched.
  hatch() {
    const tile = document.createElement("canvas"), pen = tile.getContext("2d");
    tile.width = 8; tile.height = 8;
    pen.strokeStyle = isDark() ? "rgba(255,255,255,.10)" : "rgba(0,0,0,.09)";
    pen.beginPath(); pen.moveTo(-2, 10); pen.lineTo(10, -2); pen.moveTo(-2, 2); pen.lineTo(2, -2); pen.moveTo(6, 10); pen.lineTo(10, 6);
    pen.stroke();
    return this.pen.createPattern(tile, "repeat");
  }

  // The numbers themselves, where there is room for them.
  figures(x0, y0) {
    const { pen, map, cell, look } = this;
    pen.font = `11px ${getComputedStyle(this.host).fontFamily}`;
    pen.textAlign = "center"; pen.textBaseline = "middle";
    for (let q = 0; q < map.n; q += 1) for (let k = 0; k <= q; k += 1) {
      const value = valueAt(map, q, k);
      if (Math.abs(value) < (look.least === undefined ? 0.01 : look.least)) continue;
      pen.fillStyle = inkOn(look.ramp[tone(look.scale(value))]);
      pen.fillText(look.brief ? look.brief(value) : value.toFixed(2).replace(/^(-?)0\./, "$1."), x0 + (k + 0.5) * cell, y0 + (q + 0.5) * cell);
    }
  }

  crosshair(x0, y0, side) {
    const { pen, cell, cross } = this, ink = styleOf("--body-text-color") || "#000";
    pen.strokeStyle = ink; pen.lineWidth = 1; pen.globalAlpha = 0.55;
    pen.strokeRect(x0, y0 + cross.q * cell, side, cell);
    pen.strokeRect(x0 + cross.k * cell, y0, cell, side);
    pen.globalAlpha = 1; pen.lineWidth = 2;
    pen.strokeRect(x0 + cross.k * cell, y0 + cross.q * cell, cell, cell);
  }

  // Tokens at the edges; where they would touch, every second, third, … one.
  axes(x0, y0) {
    const { pen, cell, left, top, labels, map, cross } = this, [width, height] = this.seen, every = Math.max(1, Math.ceil(12 / cell));
    const strong = styleOf("--body-text-color") || "#000", faint = styleOf("--body-text-color-subdued") || strong;
    const near = (i, chosen) => cross && i !== chosen && Math.abs(i - chosen) * cell < 12;
    const shown = (i, chosen) => i === chosen || (i % every === 0 && !near(i, chosen));
    pen.textBaseline = "middle";
    for (let i = 0; i < map.n; i += 1) {
      const y = y0 + (i + 0.5) * cell, x = x0 + (i + 0.5) * cell;
      if (y > top && y < height && shown(i, cross ? cross.q : -1)) this.write(labels[i], left - 6, y, 0, "right", cross && cross.q === i ? strong : faint, cross && cross.q === i);
      if (x > left && x < width && shown(i, cross ? cross.k : -1)) this.write(labels[i], x, top - 7, this.angle, "left", cross && cross.k === i ? strong : faint, cross && cross.k === i);
    }
  }

  write(text, x, y, angle, align, ink, isStrong) {
    const { pen } = this;
    pen.save();
    pen.translate(x, y);
    pen.rotate(angle);
    pen.font = `${isStrong ? "600 " : ""}${this.font}`;
    pen.textAlign = align; pen.textBaseline = "middle"; pen.fillStyle = ink;
    pen.fillText(text, 0, 0, this.left - 8);
    pen.restore();
  }

  point(event) {
    if (!this.map) return;
    const box = this.canvas.getBoundingClientRect();
    const k = Math.floor((event.clientX - box.left + this.host.scrollLeft - this.left) / this.cell), q = Math.floor((event.clientY - box.top + this.host.scrollTop - this.top) / this.cell);
    if (q >= 0 && q < this.map.n && k >= 0 && k < this.map.n) this.go(q, k);
  }

  key(event) {
    if (!this.map) return;
    const { q, k } = this.cross || strongestOf(this.map), last = this.map.n - 1;
    const to = { ArrowUp: [q - 1, k], ArrowDown: [q + 1, k], ArrowLeft: [q, k - 1], ArrowRight: [q, k + 1], Home: [q, 0], End: [q, q], PageUp: [q - 10, k], PageDown: [q + 10, k] }[event.key];
    if (event.key === "+" || event.key === "-") this.resize(event.key === "+" ? 1.5 : 1 / 1.5);
    else if (event.key === "Enter" && this.picked && this.cross) this.picked(this.cross.q);
    else if (to) {
      const row = Math.max(0, Math.min(last, to[0]));
      this.go(row, Math.max(0, Math.min(row, to[1])), true);
    } else return;
    event.preventDefault();
  }

  go(q, k, isFollowed = false) {
    if (this.cross && this.cross.q === q && this.cross.k === k) return;
    this.cross = { q, k };
    if (isFollowed && this.zoom) this.bring(q, k);
    this.draw();
    this.moved(q, k);
  }

  // Scrolls so far that a cell is seen.
  bring(q, k) {
    const { host, cell, left, top } = this, x = k * cell, y = q * cell, [width, height] = this.seen;
    if (x < host.scrollLeft) host.scrollLeft = x; else if (x + cell > host.scrollLeft + width - left) host.scrollLeft = x + cell - width + left;
    if (y < host.scrollTop) host.scrollTop = y; else if (y + cell > host.scrollTop + height - top) host.scrollTop = y + cell - height + top;
  }

  // Larger or smaller cells; without a factor, as large as fits.
  resize(factor) {
    if (!this.map) return;
    this.release();
    const wanted = factor ? this.cell * factor : 0;
    this.zoom = wanted > this.fitting * 1.02 ? Math.min(this.largest, wanted) : null;
    this.plan();
    if (this.zoom && this.cross) this.bring(this.cross.q, this.cross.k);
    this.draw();
  }
}
