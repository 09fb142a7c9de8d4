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
}
