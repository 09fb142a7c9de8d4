$("timeline").oninput = (event) => pin(Number(event.target.value));
$("now").onclick = () => { view.pinned = false; view.at = run ? run.step : null; draw(); };
$("unit").onchange = (event) => {
  view.unit = event.target.value;
  show(true);
  draw();
  if (view.cursor === null) { summarise(false); return; }
  tell(readOut(view.cursor)); // what was read off stood in another unit
  $("summary").textContent = $("tip").textContent;
};
$("log").onchange = (event) => { view.log = event.target.checked; draw(); };
$("log-steps").onchange = (event) => { view.logSteps = event.target.checked; draw(); };
$("smoothing").oninput = (event) => { view.smoothing = Number(event.target.value); draw(); };
$("closer").onclick = () => zoomBy(0.5);
$("farther").onclick = () => zoomBy(2);
$("unzoom").onclick = () => zoomTo(null);
new ResizeObserver(() => draw()).observe($("chart"));

let timer = 0;
function again() {
  if (!element.isConnected) return;
  poll().finally(() => { clearTimeout(timer); timer = setTimeout(again, pace()); });
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) { draw(); again(); } });
watch("value", () => attach(props.value));
attach(props.value);
