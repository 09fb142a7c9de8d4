// Everything has its room before it is there, by the shape of the run; so nothing below it moves
// when it comes. What has come or was asked for by a person takes the room that it needs.
function hold(shape) {
  const { layers, heads, block_size: block, snapshots, source } = shape, example = EXAMPLES[source];
  $("panels").hidden = false;
  $("panels").classList.add("waits");
  $("panels").classList.toggle("task", Boolean(example));
  $("panels").setAttribute("aria-busy", "true");
  buildGrid(layers, heads);
  largeView.reserve(Math.min(block, example && !isOwnText ? example.length : Infinity));
  if (snapshots && !past) {
    $("time").hidden = false;
    $("time").classList.add("waits");
    $("history").setAttribute("viewBox", `0 0 ${widthOfHistory()} ${HIGH}`);
    nameLines(LINES.map(([name, light, dark, dash]) => ({ name, dash, colour: isDark() ? dark : light })));
    momentView.reserve(Math.min(block, MOMENT_TOKENS));
  }
}

function arrived(part) {
  $(part).hidden = false;
  $(part).classList.remove("waits");
  $(part).removeAttribute("aria-busy");
}
