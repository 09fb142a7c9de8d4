/**
 * What the views of the page have in common: the desk, the run that is looked at with its curves,
 * the runs of the desk, the draft. Each is read from the server once and told to every view.
 *
 * @typedef {import("../types/ask").Schema} Schema
 * @typedef {Schema["RunStatus"]} Run
 * @typedef {Schema["RunInfo"]} RunInfo
 * @typedef {[number, number][]} Points steps and values
 */
import { ask, desk, failures, isBusy, pause, useDesk } from "./api.js";
import { thin } from "./curves.js";
import { listen, repeat } from "./dom.js";
import { Signal } from "./signal.js";
import { ACTIVE } from "./table.js";

const MOST_POINTS = 1500; // per curve in the browser; more are thinned by minimum and maximum
const MOST_RUNS = 200; // that are listed
const NO_CURVES = 1e9; // a cursor beyond every journal: where the run stands, and nothing else
const LOST = "The connection is lost; it is tried again. The run goes on.";

/** @param {{ state: string } | null | undefined} run */
export const isActive = (run) => Boolean(run && ACTIVE.includes(run.state));

/** The key of the desk, empty before it is known. */
export const key = new Signal("");

/** The id of the run that is looked at, null for the desk's current one. */
export const wanted = new Signal(/** @type {string | null} */ (null));

/** How that run stands. */
export const run = new Signal(/** @type {Run | null} */ (null));

/** Told where the run is another one, or in another state. */
export const turn = new Signal(/** @type {Run | null} */ (null));

/** Told with each answer about the run; `moved` where there is something new to draw. */
export const news = new Signal({ moved: false });

/** Why there is no news; empty where there is. */
export const trouble = new Signal("");

/** The step that the timeline is at. */
export const moment = new Signal(
  /** @type {{ run: string, step: number, newest: boolean } | null} */ (null),
);

/** The desk's runs, the newest first. */
export const runs = new Signal(/** @type {RunInfo[]} */ ([]));

/** What was measured of the run that is looked at. */
export const measured = {
  curves: /** @type {Record<string, Points>} */ ({}),
  samples: /** @type {Schema["Sample"][]} */ ([]),
  snapshots: /** @type {number[]} */ ([]), // their steps
  schedule: /** @type {Points} */ ([]),
};

const feed = { cursor: 0, resumes: 0, idle: 0, busy: false, wantsCurves: false };
/** @type {() => Promise<void>} */
let askNow = async () => {};

/** Looks at a run of a desk. @param {{ workspace?: string, run?: string | null } | null} value */
export function look(value) {
  const next = value || {};
  const workspace = next.workspace || "";
  useDesk(workspace);
  if (workspace !== key.value) key.set(workspace);
  const id = next.run || null;
  if (id !== wanted.value || !run.value) {
    forget();
    wanted.set(id);
  }
  askNow();
  readRuns();
}

/** A person turns to a run, or with null to the desk's current one. @param {string | null} id */
export function lookAt(id) {
  look({ workspace: desk(), run: id });
}

/** A view shows curves: until then only where the run stands is asked for. */
export function wantCurves() {
  if (feed.wantsCurves) return;
  feed.wantsCurves = true;
  feed.cursor = 0;
  askNow();
}

/**
 * Keeps up with the run that is looked at and with the desk's runs, for as long as the element is
 * on the page.
 *
 * @param {Element} element
 */
export function followAll(element) {
  askNow = repeat(element, poll, () => pause(pace()));
  repeat(element, readRuns, () => pause(paceOfRuns()));
  listen(element, "visibilitychange", () => {
    if (!document.hidden) askNow();
  });
}

const paceOfRuns = () => (document.hidden ? 15000 : runs.value.some(isActive) ? 2500 : 6000);

/** Reads the desk's runs anew. */
export async function readRuns() {
  const asked = desk();
  if (!asked) return;
  const answer = await ask("list_runs", { limit: MOST_RUNS });
  if (!answer.error && asked === desk()) runs.set(answer.runs);
}

function forget() {
  Object.assign(feed, { cursor: 0, resumes: 0, idle: 0 });
  Object.assign(measured, { curves: {}, samples: [], snapshots: [], schedule: [] });
}

/** Milliseconds until the next question: few while there is news, more where nothing happens. */
function pace() {
  if (document.hidden) return 10000; // whoever looks again is answered at once
  if (!isActive(run.value)) return Math.min(4000, 1500 + 500 * feed.idle);
  if (feed.wantsCurves && !measured.curves.loss?.length) return 250;
  return Math.min(1400, 800 + 200 * feed.idle);
}

async function poll() {
  if (feed.busy || !desk()) return;
  feed.busy = true;
  const id = wanted.value;
  const { wantsCurves, resumes } = feed;
  const after = wantsCurves ? feed.cursor : NO_CURVES;
  const answer = await ask("watch", { run_id: id, after, resumes });
  feed.busy = false;
  if (id !== wanted.value || wantsCurves !== feed.wantsCurves) return void askNow();
  if (!answer.error) {
    trouble.set("");
    take(answer);
  } else if (answer.error.code === "lost") {
    if (failures() > 2) trouble.set(LOST);
  } else if (!isBusy(answer.error)) {
    if (run.value?.id !== id) run.set(null); // what is shown is another run
    trouble.set(answer.error.message);
  }
}

/** @param {Schema["Watch"]} answer */
function take(answer) {
  const before = run.value;
  if (before && answer.run?.id !== before.id && !answer.fresh) return void forget(); // anew, whole
  if (answer.fresh) Object.assign(measured, { curves: {}, samples: [], snapshots: [] });
  if (feed.wantsCurves) feed.cursor = answer.cursor;
  feed.resumes = answer.resumes;
  for (const [name, points] of Object.entries(answer.curves)) {
    const known = measured.curves[name] || [];
    measured.curves[name] = thin(known.concat(/** @type {Points} */ (points)), MOST_POINTS);
  }
  measured.samples.push(...answer.samples);
  measured.snapshots.push(...answer.snapshots);
  if (answer.schedule.length) measured.schedule = /** @type {Points} */ (answer.schedule);
  const hasPoints = Object.values(answer.curves).some((points) => points.length);
  const isNew = hasPoints || answer.samples.length > 0 || answer.run?.id !== before?.id;
  const mark = (/** @type {Run | null} */ one) =>
    one ? `${one.id} ${one.state} ${one.resumable} ${one.fraction}` : "";
  feed.idle = !isNew && mark(before) === mark(answer.run) ? feed.idle + 1 : 0;
  run.set(answer.run);
  if (mark(before) !== mark(answer.run)) turn.set(answer.run);
  news.set({ moved: answer.fresh || isNew });
}
