/** Which endpoint has which file. */
import { ask } from "../../lib/api.js";

/**
 * @typedef {import("../../types/ask").Name} Name
 * @typedef {[Name, Record<string, unknown>]} Request
 * @typedef {{ unit: string, log: boolean, dark: boolean, weights: string }} Chosen
 */

/**
 * @param {string} kind of file
 * @param {string} id of the run
 * @param {Chosen} chosen
 * @returns {Request}
 */
export function requestOf(kind, id, { unit, log, dark, weights }) {
  const run = { run_id: id };
  switch (kind) {
    case "csv":
      return ["metrics_csv", run];
    case "json":
      return ["metrics_json", run];
    case "svg":
    case "png":
      return ["figure", { ...run, format: kind, unit, log, dark }];
    case "zip":
      return ["archive", run];
    case "pocket":
      return ["export_run", { ...run, format: kind, weights }];
    case "model":
      return ["export_run", { ...run, format: "transformers" }];
    default:
      return ["export_run", { ...run, format: kind }];
  }
}

/**
 * The best checkpoint that is kept; where none was measured to be the best, the newest. Null where
 * there is none: the export says why then, which depends on how the run stands.
 *
 * @param {string} id
 * @returns {Promise<Request | null>}
 */
export async function bestCheckpoint(id) {
  const answer = await ask("checkpoints", { run_id: id });
  if (answer.error) return null;
  const one = answer.checkpoints.find(({ best }) => best) || answer.checkpoints.at(-1);
  return one ? ["download_checkpoint", { run_id: id, step: one.step }] : null;
}
