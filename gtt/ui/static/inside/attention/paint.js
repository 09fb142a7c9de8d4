// Colours of the maps: one hue from faint to strong, and blue to orange for a difference. Both are
// even in lightness, so that they can be read without telling hues apart.
const RAMPS = {
  light: ["#f1f6fb", "#c3dcef", "#7fb5dc", "#3484bf", "#0b5a94", "#062c52"],
  dark: ["#16212d", "#1b3f5f", "#23679c", "#3d95d6", "#8cc8f5", "#f0f8ff"],
  lightDifference: ["#0b4f87", "#5a9fd0", "#f4f4f4", "#e8935a", "#a03c00"],
  darkDifference: ["#8cc8f5", "#2f78b0", "#1d232b", "#b3571a", "#ffb37a"],
};
const isDark = () => document.body.classList.contains("dark");
const styleOf = (name) => getComputedStyle(element).getPropertyValue(name).trim();
const ramps = new Map();

// 256 colours as [r, g, b].
function rampOf(kind) {
  const name = kind === "difference" ? (isDark() ? "darkDifference" : "lightDifference") : isDark() ? "dark" : "light";
  if (!ramps.has(name)) {
    const stops = RAMPS[name], pieces = stops.slice(1).map((stop, i) => d3.interpolateLab(stops[i], stop));
    ramps.set(name, d3.range(256).map((i) => {
      const at = (i / 255) * pieces.length, piece = Math.min(pieces.length - 1, Math.floor(at)), mixed = d3.rgb(pieces[piece](at - piece));
      return [mixed.r, mixed.g, mixed.b].map(Math.round);
    }));
  }
  return ramps.get(name);
}

const tone = (t) => Math.max(0, Math.min(255, Math.round(255 * t)));
const colourAt = (ramp, t) => `rgb(${ramp[tone(t)].join(",")})`;

// Black or white, whichever is read better on a colour.
function inkOn([r, g, b]) {
  const light = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] > 0.179 ? "#000" : "#fff";
}

// How a value becomes a place on the ramp.
const SHADINGS = {
  even: (v) => v,
  root: (v) => Math.sqrt(Math.max(0, v)),
  log: (v) => (v <= 0.001 ? 0 : 1 + Math.log10(v) / 3),
};

// A map as a picture of n × n points, the future left clear; `by` takes the greatest of blocks.
function pictureOf(map, scale, ramp, by = 1) {
  const n = Math.ceil(map.n / by), canvas = document.createElement("canvas");
  canvas.width = n; canvas.height = n;
  const pen = canvas.getContext("2d"), image = pen.createImageData(n, n), shown = new Float32Array(n * n).fill(-Infinity);
  for (let q = 0, i = 0; q < map.n; q += 1) for (let k = 0; k <= q; k += 1, i += 1) {
    const spot = Math.floor(q / by) * n + Math.floor(k / by);
    if (map.values[i] > shown[spot]) shown[spot] = map.values[i];
  }
  for (let i = 0; i < shown.length; i += 1) {
    if (shown[i] === -Infinity) continue;
    const [r, g, b] = ramp[tone(scale(shown[i] * map.unit))];
    image.data.set([r, g, b, 255], 4 * i);
  }
  pen.putImageData(image, 0, 0);
  return canvas;
}

// A bar of the ramp with marks below it: `marks` are [value, words].
function legend(bar, ticks, ramp, scale, marks) {
  const stops = d3.range(0, 1.0001, 1 / 16).map((t) => `${colourAt(ramp, t)} ${Math.round(100 * t)}%`);
  bar.style.background = `linear-gradient(to right, ${stops.join(",")})`;
  ticks.replaceChildren(...marks.map(([value, words]) => {
    const mark = document.createElement("span");
    mark.textContent = words;
    mark.style.left = `${100 * scale(value)}%`;
    return mark;
  }));
}
