/**
 * Gradio's loading screen leaves a clock behind that never stops: it asks for every animation
 * frame, and a page that stands still is made anew sixty times a second. That takes a tenth of a
 * core, which training in the same machine would have (docs/measurements.md).
 *
 * What began before the page was there, and still asks from within one frame for the next one long
 * after, is such a clock. It ticks every two seconds. This runs before any of Gradio's scripts.
 */
(() => {
  const LOADED = 5000; // milliseconds on the page, in which what moves while it loads ends
  const PAUSE = 2000; // milliseconds between two ticks of a clock
  const frame = window.requestAnimationFrame.bind(window);
  let since = 0; // when the page was there: it has its tabs then
  let isEarly = false; // of the frame that is made now: it began before the page was there

  function isThere() {
    if (!since && document.querySelector("#tabs")) since = performance.now();
    return since > 0;
  }

  window.requestAnimationFrame = (act) => {
    if (isThere() && !isEarly) return frame(act);
    const go = () =>
      frame((time) => {
        isEarly = true;
        try {
          act(time);
        } finally {
          isEarly = false;
        }
      });
    const isClock = since > 0 && performance.now() - since > LOADED;
    return isClock ? window.setTimeout(go, PAUSE) : go();
  };
})();
