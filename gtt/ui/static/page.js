// Arrow keys move between the tabs, as the ARIA pattern for tabs has it; Gradio leaves that out.
() => {
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest && event.target.closest('[role="tab"]');
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!tab || (!step && event.key !== "Home" && event.key !== "End")) return;
    const list = tab.closest('[role="tablist"]');
    const tabs = [...list.querySelectorAll('[role="tab"]')].filter((one) => one.offsetParent !== null);
    const at = tabs.indexOf(tab);
    const next = step ? (at + step + tabs.length) % tabs.length : event.key === "Home" ? 0 : tabs.length - 1;
    event.preventDefault();
    tabs[next].focus();
    tabs[next].click();
  });
  // Gradio takes a slider for released only by a pointer; the arrow keys move it as well.
  document.addEventListener("keyup", (event) => {
    if (event.target.type !== "range" || event.target.closest(".gtt-live")) return;
    if (/^(Arrow|Page|Home|End)/.test(event.key)) event.target.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
  });
  // What the buttons do, for those who rest on one before they press it.
  const tips = {
    start: "Trains a new model with the settings of all tabs. It goes on when this page is closed.",
    stop: "Ends the current run after its present step. It is saved and can be resumed.",
    copy: "Whoever opens the link finds these settings in the tabs.",
    "stop-this": "Ends the run that is chosen above after its present step, saved.",
    resume: "Goes on with the chosen run from its newest checkpoint.",
    restart: "A new run with the settings of the tabs as they are now; the old one stays.",
    delete: "Takes the chosen run away. For ten minutes it can be brought back.",
    rename: "Gives the chosen run the name on the left.",
  };
  for (const [id, words] of Object.entries(tips)) {
    const button = document.querySelector(`button#${id}`);
    if (button) button.title = words;
  }
}
