/**
 * Frames, browsers and proxies that are not ours: what they keep from the page must not stop it,
 * and what they make impossible is said in words. It runs before any of Gradio's scripts.
 */
(() => {
  const BLOCKED =
    "This page cannot work in this frame, whose sandbox cuts it off from its own server: " +
    "add allow-same-origin to the frame, or open the page in a tab of its own:";
  const LOOK =
    "position:sticky;top:0;z-index:10000;padding:12px 16px;background:#8a1c1c;" +
    "color:#fff;font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere";

  /**
   * A frame of another site with its storage blocked: even to look at `localStorage` throws, and
   * Gradio looks. A storage that lasts as long as the page takes its place.
   */
  class Memory {
    #kept = /** @type {Map<string, string>} */ (new Map());
    get length() {
      return this.#kept.size;
    }
    /** @param {number} place */
    key(place) {
      return [...this.#kept.keys()][place] ?? null;
    }
    /** @param {string} name */
    getItem(name) {
      return this.#kept.get(String(name)) ?? null;
    }
    /** @param {string} name @param {string} value */
    setItem(name, value) {
      this.#kept.set(String(name), String(value));
    }
    /** @param {string} name */
    removeItem(name) {
      this.#kept.delete(String(name));
    }
    clear() {
      this.#kept.clear();
    }
  }
  for (const name of /** @type {const} */ (["localStorage", "sessionStorage"])) {
    try {
      if (window[name] !== null) continue;
    } catch {
      // blocked
    }
    const memory = new Memory();
    Object.defineProperty(window, name, { configurable: true, get: () => memory });
  }
  try {
    void document.cookie;
  } catch {
    Object.defineProperty(document, "cookie", { configurable: true, get: () => "", set: () => {} });
  }

  /** @type {Set<string>} */
  const told = new Set();

  /** One sentence above everything, once. @param {string} sentence @param {string} [link] */
  function tell(sentence, link) {
    if (told.has(sentence)) return;
    told.add(sentence);
    const show = () => {
      const box = document.createElement("div");
      box.className = "gtt-surroundings";
      box.setAttribute("role", "alert");
      box.style.cssText = LOOK;
      box.textContent = sentence;
      if (link) {
        const anchor = document.createElement("a");
        anchor.href = link;
        anchor.target = "_blank";
        anchor.rel = "noopener";
        anchor.textContent = link;
        anchor.style.cssText = "color:#fff;text-decoration:underline";
        box.append(" ", anchor);
      }
      document.body.prepend(box);
    };
    if (document.body) show();
    else document.addEventListener("DOMContentLoaded", show);
  }

  // A sandbox without `allow-same-origin` may load none of the page's scripts.
  if (window.origin === "null") tell(BLOCKED, location.origin + location.pathname);

  // A proxy that changes the Host header makes every click look like that of another site.
  const fetched = window.fetch.bind(window);
  window.fetch = async (...request) => {
    const answer = await fetched(...request);
    if (answer.status === 403 || answer.status === 421) {
      answer
        .clone()
        .json()
        .then(({ error }) => {
          if (error && (error.field === "origin" || error.field === "host")) tell(error.message);
        })
        .catch(() => {}); // not a refusal of ours
    }
    return answer;
  };
})();
