$("timeline").oninput = (event) => pin(Number(event.target.value));
$("now").onclick = () => { view.pinned = false; view.at = run ? run.step : null; draw(); };
$("unit").onchange = (event) => { view.unit = event.target.value; draw(); };
$("log").onchange = (event) => { view.log = event.target.checked; draw(); };
$("smoothing").oninput = (event) => { view.smoothing = Number(event.target.value); draw(); };
$("unzoom").onclick = () => { view.zoom = null; $("unzoom").hidden = true; draw(); };
new ResizeObserver(() => draw()).observe($("chart"));

const pace = () => (document.hidden ? 4000 : failures ? 2000 : run && ACTIVE.includes(run.state) ? 400 : 1500);
let timer = 0;
function again() {
  if (!element.isConnected) return;
  poll().finally(() => { timer = setTimeout(again, pace()); });
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
watch("value", () => attach(props.value));
attach(props.value);
again();
