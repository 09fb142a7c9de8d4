/**
 * What the numbers of a head say, in words.
 *
 * @typedef {import("../../lib/store.js").Schema} Schema
 * @typedef {Schema["Heads"]} Measured the habits of all heads of a checkpoint
 * @typedef {import("../../lib/attention_map.js").Expected} Expected
 * @typedef {"previous_token" | "first_token" | "current_token" | "same_token" | "induction"} Habit
 */
import { isMissing, probability, visible } from "../../lib/format.js";

/** @type {Record<Habit | "even", { short: string, bar: string, does: string, use: string }>} */
const HABITS = {
  previous_token: {
    short: "looks at the previous token",
    bar: "the previous token",
    does: "looks at the token just before",
    use: "A later layer can use that to know what stands before what.",
  },
  first_token: {
    short: "rests on the first token",
    bar: "the first token",
    does: "rests on the first token of the text",
    use: "That is where a head looks when it finds nothing to do.",
  },
  current_token: {
    short: "looks at itself",
    bar: "the token itself",
    does: "looks at the very token it reads",
    use: "What it passes on is mostly about that token itself, not about its neighbours.",
  },
  same_token: {
    short: "finds the same token",
    bar: "the same token, earlier",
    does: "finds earlier places that hold the same token",
    use: "It notices that something comes back.",
  },
  induction: {
    short: "induction: what followed last time",
    bar: "what followed last time (induction)",
    does: "looks at what followed when this token stood there before",
    use: "So the model can go on with a pattern that it has met only once, in this very text.",
  },
  even: {
    short: "spreads evenly",
    bar: "",
    does: "spreads its attention evenly over all that it may read",
    use: "It gathers a mean of all that was said so far.",
  },
};
export const MEASURED = /** @type {Habit[]} */ (
  Object.keys(HABITS).filter((name) => name !== "even")
);

/** @param {Habit} name */
export const habitBar = (name) => HABITS[name].bar;

/** @param {number} layer @param {number} head */
export const nameOf = (layer, head) => `${layer}.${head}`;

/** @param {string} token */
export const quoted = (token) => `“${visible(token)}”`;

/** A share of attention. @param {number | null | undefined} value */
export const share = (value) => (isMissing(value) ? "–" : value.toFixed(value >= 0.095 ? 2 : 3));

/**
 * What a chosen pair says.
 *
 * @param {string[]} tokens
 * @param {number} q
 * @param {number} k
 * @param {string} words
 */
export const pairSaid = (tokens, q, k, words) =>
  `${quoted(tokens[q])} → ${quoted(tokens[k])}: ${words}`;

/** Things in a sentence: a, b and c. @param {string[]} parts */
export function listed(parts) {
  const last = parts[parts.length - 1];
  return parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${last}` : last;
}

/** @param {number} value @param {number | null} chance */
function times(value, chance) {
  const factor = chance && chance > 0 ? value / chance : 0;
  if (factor < 2) return "";
  const said = factor >= 9.5 ? Math.round(factor) : factor.toFixed(1);
  return `, ${said} times what even attention would give it (${share(chance)})`;
}

/** On what a habit was measured. @param {Habit | "even"} name @param {Measured} measured */
function basis(name, measured) {
  const { tokens, period, measured_on: on } = measured;
  if (name === "induction") return `on ${period} random tokens that were said twice`;
  if (on !== "validation") {
    return `on random tokens, ${tokens} at a time, as its text is no longer here`;
  }
  return `on stretches of ${tokens} tokens of validation text, which the training has not seen`;
}

/** The habits that were measured, the strongest first. @param {Schema["HeadHabits"]} head */
const byStrength = (head) =>
  MEASURED.filter((name) => head[name] !== null).sort((a, b) => (head[b] ?? 0) - (head[a] ?? 0));

/**
 * A sentence or two by which one knows the head.
 *
 * @param {Measured} measured
 * @param {number} layer
 * @param {number} head
 * @param {Expected | null} found what it gives to the place of the task's answer, where it finds it
 */
export function headSaid(measured, layer, head, found) {
  const one = measured.heads[layer][head];
  const { chance } = measured;
  const who = `Head ${nameOf(layer, head)}`;
  const usual = `(even attention: ${chance.distance.toFixed(1)})`;
  const back = `It looks back ${one.distance.toFixed(1)} tokens on average ${usual}.`;
  if (one.name === "even") {
    const evenly = `${probability(one.evenness)} as evenly as is possible`;
    const on = `measured ${basis("even", measured)}`;
    return `${who} ${HABITS.even.does}, ${evenly}, ${on}. ${HABITS.even.use}`;
  }
  if (one.name) return `${habitSaid(measured, one, who)} ${back}`;
  if (!found) return mixtureSaid(measured, one, who);
  return [
    `${who} reads where the task's answer stands: in your text ${probability(found.given)} of its`,
    "attention goes to the one place that tells what comes",
    `next${times(found.given, found.even)}.`,
    `On other texts no habit of it stands out that strongly. ${back}`,
  ].join(" ");
}

/**
 * A head with a habit.
 *
 * @param {Measured} measured
 * @param {Schema["HeadHabits"]} one
 * @param {string} who
 */
function habitSaid(measured, one, who) {
  const name = /** @type {Habit} */ (one.name);
  const value = one[name] ?? 0;
  const { chance } = measured;
  const second = byStrength(one).find((other) => {
    const much = one[other] ?? 0;
    return other !== name && much >= 0.15 && much >= 3 * (chance[other] || 0);
  });
  const on = second === "induction" ? `, ${basis(second, measured)}` : "";
  const part = second && `(${probability(one[second] ?? 0)}${on})`;
  const there = `${probability(value)} of its attention goes there${times(value, chance[name])}`;
  return [
    `${who} ${HABITS[name].does}: ${there}, measured ${basis(name, measured)}.`,
    ...(second ? [`A part of it ${part} goes to ${HABITS[second].bar}.`] : []),
    HABITS[name].use,
  ].join(" ");
}

/**
 * A head without a habit.
 *
 * @param {Measured} measured
 * @param {Schema["HeadHabits"]} one
 * @param {string} who
 */
function mixtureSaid(measured, one, who) {
  const most = byStrength(one)[0];
  const near = Math.round(one.half_within);
  const even = Math.round(measured.chance.half_within);
  const isNear = near <= even / 2;
  const within = `the last ${near} tokens (even attention: ${even})`;
  const reach = `Half of its attention stays within ${within}.`;
  const much = `the most, ${probability(one[most] ?? 0)}, goes to ${HABITS[most].bar}`;
  const place = `None of the five places below gets 40 % of it; ${much}.`;
  const on = `Measured ${basis("even", measured)}.`;
  if (!one.preferred.length) {
    const mixes = `${who} keeps to no place and to no token: it mixes several things.`;
    return `${mixes} ${place} ${reach} ${on}`;
  }
  const tokens = listed(one.preferred.map(preferenceSaid));
  if (!isNear) {
    const keeps = `${who} keeps to no place, but favours some tokens`;
    return `${keeps}: ${tokens}. ${place} ${reach} ${on}`;
  }
  const nearby = `${who} reads mostly what stands nearby. ${reach}`;
  return `${nearby} There it favours some tokens: ${tokens}. ${place} ${on}`;
}

/** @param {Schema["PreferredToken"]} token */
function preferenceSaid(token) {
  const even = `(even attention: ${probability(token.even)})`;
  return `${quoted(token.text)} gets ${probability(token.share)} of its attention ${even}`;
}

/**
 * A head that does induction and the heads that feed it, as measured by switching each off.
 *
 * @param {Pick<Measured, "heads">} measured
 * @param {number} layer
 * @param {number} head
 */
export function feedingSaid(measured, layer, head) {
  const own = measured.heads[layer][head];
  const fed = fedBy(measured, layer, head);
  const feeders = own.fed_by || [];
  const sentences = [];
  if (feeders.length) {
    const said = feeders.map((one) => {
      const back = probability(measured.heads[one.layer][one.head].previous_token);
      return `${nameOf(one.layer, one.head)} (${back} of its attention on the previous token)`;
    });
    const left = listed(feeders.map((one) => share(one.without)));
    const how = feeders.length > 1 ? "switched off in turn" : "with it switched off";
    const rest = `what is left of ${share(own.induction)} is ${left}`;
    sentences.push(`Its induction is fed by ${listed(said)}: ${how}, ${rest}.`);
  } else if (own.fed_by) {
    sentences.push(
      "No single earlier head is missed when it is switched off: several feed its induction.",
    );
  }
  if (fed.length) {
    const said = fed.map(
      (one) => `${one.name} (${share(one.score)}, without this head ${share(one.without)})`,
    );
    sentences.push(
      `Head ${nameOf(layer, head)} feeds the induction of ${listed(said)}: at each place it leaves`,
      "a note of what stood before, by which they find it.",
    );
  }
  return sentences.join(" ");
}

/**
 * The induction heads that a head feeds.
 *
 * @param {Pick<Measured, "heads">} measured
 * @param {number} layer
 * @param {number} head
 */
export function fedBy(measured, layer, head) {
  const feeds = (/** @type {Schema["FeedingHead"]} */ one) =>
    one.layer === layer && one.head === head;
  return measured.heads.flatMap((row, above) =>
    row.flatMap((one, number) =>
      (one.fed_by || []).filter(feeds).map(({ without }) => ({
        name: nameOf(above, number),
        without,
        score: one.induction,
      })),
    ),
  );
}

/**
 * The few words under a head's picture.
 *
 * @param {Measured} measured
 * @param {number} layer
 * @param {number} head
 * @param {boolean} findsAnswer
 */
export function headBrief(measured, layer, head, findsAnswer) {
  const one = measured.heads[layer]?.[head];
  if (!one) return "";
  const short = one.name ? HABITS[/** @type {Habit | "even"} */ (one.name)].short : "";
  const fed = fedBy(measured, layer, head).map(({ name }) => name);
  if (fed.length) return `feeds ${listed(fed)}${short ? `: ${short}` : ""}`;
  if (one.fed_by?.length) {
    const names = one.fed_by.map((feeder) => nameOf(feeder.layer, feeder.head));
    return `induction, fed by ${listed(names)}`;
  }
  if (findsAnswer && one.name !== "induction") return "reads where the task's answer stands";
  if (short) return short;
  const favoured = one.preferred.slice(0, 2).map((token) => quoted(token.text));
  return favoured.length ? `favours ${favoured.join(" and ")}` : "no clear habit";
}

/** The two largest figures, for whoever rests on a head. @param {Schema["HeadHabits"]} head */
export function headFigures(head) {
  const top = byStrength(head)
    .slice(0, 2)
    .map((name) => `${HABITS[name].bar} ${share(head[name])}`);
  return `${top.join(", ")}; ${head.distance.toFixed(1)} tokens back on average`;
}
