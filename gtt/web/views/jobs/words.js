/** What a machine of the Hub costs, in words. */
import { roughly } from "../../lib/format.js";

/**
 * @typedef {import("../../types/ask").Schema} Schema
 * @typedef {Schema["JobInfo"]} Job
 * @typedef {Schema["MachineInfo"]} Machine
 */

const CENTS = /** @type {const} */ ({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
export const LIMITS = { least: 5, most: 1440 }; // minutes

/** Dollars in whole cents, never less than they are. @param {number} dollars */
export const inCents = (dollars) => Math.ceil(100 * dollars - 1e-6) / 100;

/** @param {number} dollars */
export const money = (dollars) => `$${inCents(dollars).toLocaleString("en", CENTS)}`;

/** What it has cost, nearly. @param {number} dollars */
export const cost = (dollars) => (dollars >= 0.01 ? `about ${money(dollars)}` : "less than $0.01");

/** @param {Machine} machine @param {number} minutes */
export const atMost = (machine, minutes) => (machine.dollars_per_hour * minutes) / 60;

/** @param {Machine} machine @param {number} minutes @param {number | null} secondsHere */
export function priceOf(machine, minutes, secondsHere) {
  const parts = [machine.gpu, machine.cpu, machine.memory].filter(Boolean).join(", ");
  const price = `${parts}: ${money(machine.dollars_per_hour)} an hour, at most ${money(
    atMost(machine, minutes),
  )} in ${minutes} minutes.`;
  if (secondsHere === null) return price;
  return (
    `${price} This computer would train it in about ${roughly(Math.max(1, secondsHere))}; there, ` +
    "installing takes some minutes first."
  );
}

/** What is agreed to. @param {Machine} machine @param {number} minutes */
export const termsOf = (machine, minutes) =>
  `This rents “${machine.title}” at ${money(machine.dollars_per_hour)} an hour from your credit ` +
  `at Hugging Face, for at most ${minutes} minutes. Your recipe, and your text where it is a ` +
  "file, go into a new private repository of yours there, and the model comes back by it.";

/** How a job stands. @param {Job} job */
export function standing(job) {
  const most = `at most ${money(job.dollars_at_most)}`;
  const stages = /** @type {Record<Job["stage"], string>} */ ({
    submitting: "is being asked for",
    scheduling: "is waited for",
    running: `has cost ${cost(job.dollars)} so far, ${most}`,
    fetching: "has ended, and its model is being fetched",
    over: job.url ? `cost ${cost(job.dollars)}` : "was not started",
    lost: `is followed by nobody, and has cost ${cost(job.dollars)}, ${most}`,
  });
  const price = `${money(job.dollars_per_hour)} an hour`;
  const more = job.message && job.stage !== "over" ? ` ${job.message}` : "";
  return `The run that is shown: ${job.title}, ${price}, ${stages[job.stage]}.${more}`;
}
