() => {
  // Arrow keys move between the tabs, as the ARIA pattern for tabs has it; Gradio leaves that out.
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
  // The tab and the run that are looked at stay in the address, for a reload.
  const note = (name, value) => {
    const address = new URL(location.href);
    if (value) address.searchParams.set(name, value); else address.searchParams.delete(name);
    if (address.href !== location.href) history.replaceState(null, "", address);
  };
  document.addEventListener("click", (event) => {
    const tab = event.target.closest && event.target.closest('#tabs [role="tab"]');
    if (tab) note("tab", tab.textContent.trim().toLowerCase());
  });
  document.addEventListener("gtt:run", (event) => note("run", event.detail && event.detail.id));
  // What was started is looked at.
  document.addEventListener("gtt:started", (event) => {
    if (!event.detail) return;
    note("tab", "training");
  });
}
