// Gradio's loading screen leaves a clock behind that never stops: it asks for every animation frame,
// and a page that stands still is made anew sixty times a second. That takes a tenth of a core, which
// training in the same machine would have (docs/measurements.md). Such a clock ticks every two seconds.
(() => {
  const frame = window.requestAnimationFrame.bind(window);
  const isClock = (act) => /^\(\)=>\{[\w$]+\([\w$]+,\(performance\.now\(\)-/.test(String(act));
  window.requestAnimationFrame = (act) => (isClock(act) ? setTimeout(() => frame(act), 2000) : frame(act));
})();
