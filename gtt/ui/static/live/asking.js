async function poll() {
  if (busy || !key) return;
  busy = true;
  const asked = wanted;
  try {
    const answer = await server.poll({ workspace: key, run_id: asked, after: cursor, resumes });
    if (asked !== wanted) return;
    // A server that is not there answers nothing, or an error without a sentence.
    if (!answer || (answer.error && !answer.error.message)) throw new Error("no answer");
    if (failures && await isOtherServer()) { location.reload(); return; }
    failures = 0;
    // Asked too often: what is on the screen stays, and the next time comes later.
    if (answer.error && ["rate_limited", "busy"].includes(answer.error.code)) { patience = Math.min(10000, patience * 2 || 1500); return; }
    patience = 0;
    if (answer.error) { say(answer.error.message); return; }
    const before = `${cursor} ${run && run.state} ${run && run.fraction}`;
    take(answer);
    idle = run && `${cursor} ${run.state} ${run.fraction}` === before ? idle + 1 : 0;
  } catch (error) {
    failures += 1;
    if (failures > 2) say("The connection is lost; it is tried again. The run goes on.");
  } finally {
    busy = false;
  }
}

// Whether a server that was lost came back as another process. Gradio would find out at the next click,
// load the page again and forget the click; the run and the tab are in the address.
async function isOtherServer() {
  const { root, api_prefix, app_id } = window.gradio_config;
  const answer = await fetch(`${root}${api_prefix}/app_id`);
  return answer.ok && (await answer.json()).app_id !== app_id;
}

// Milliseconds until the next poll: fast while there is news, slower where nothing happens.
function pace() {
  if (patience) return patience;
  if (document.hidden) return 10000; // whoever looks again is answered at once
  if (failures) return 2000;
  if (run && ACTIVE.includes(run.state)) return (curves.loss || []).length ? Math.min(1400, 800 + 200 * idle) : 250;
  return Math.min(4000, 1500 + 500 * idle);
}

function take(answer) {
  const before = run && run.id, state = run && run.state;
  if (before && (answer.run || {}).id !== before && !answer.fresh) { forget(); return; } // asked anew, whole
  if (answer.fresh) { curves = {}; samples = []; looks = []; kept.clear(); }
  run = answer.run;
  if (!run) { show(true); return; }
  cursor = answer.cursor; resumes = answer.resumes;
  for (const [name, points] of Object.entries(answer.curves || {})) {
    curves[name] = thin((curves[name] || []).concat(points));
  }
  for (const sample of answer.samples || []) samples.push(sample);
  for (const step of answer.snapshots || []) looks.push(step);
  if ((answer.schedule || []).length) schedule = answer.schedule;
  const moved = answer.fresh || Object.values(answer.curves || {}).some((p) => p.length);
  if (!view.pinned) view.at = run.step;
  show(moved || (answer.samples || []).length > 0 || run.id !== before);
  if (state && state !== run.state && !ACTIVE.includes(run.state)) trigger("finished", { run: run.id });
}

// Of each stretch its lowest and highest point stay, so that no peak is lost.
function thin(points) {
  if (points.length <= MOST_POINTS) return points;
  const kept = [points[0]], size = Math.ceil((2 * points.length) / MOST_POINTS) * 2;
  for (let i = 1; i < points.length - 1; i += size) {
    const part = points.slice(i, Math.min(i + size, points.length - 1));
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a)), high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(low[0] < high[0] ? [low, high] : low[0] > high[0] ? [high, low] : [low]));
  }
  return kept.concat([points[points.length - 1]]);
}
