/** Several runs laid over each other, and a table of what differs. It is reckoned on the server. */
import { pause } from "../../lib/api.js";
import { newest } from "../../lib/asking.js";
import { d3 } from "../../lib/d3.js";
import { add, partsOf, repeat, tell } from "../../lib/dom.js";
import { isActive, runs, wanted } from "../../lib/store.js";
import { ComparedCurves } from "./chart.js";
import { color, DASHES, shape, turned } from "./looks.js";
import { Choice } from "./runs.js";
import { drawTable } from "./table.js";

/** @typedef {import("./table.js").Comparison} Comparison */

const FEWEST = 2;
const AGAIN = 4000; // milliseconds until runs at work are compared again
const TOKENIZER = ["data.tokenizer", "data.vocab_size", "data.pretrained_tokenizer"];

/** @param {HTMLElement} element */
export function mount(element) {
  const part = partsOf(element);
  const hidden = /** @type {Set<string>} */ (new Set());
  const chart = new ComparedCurves(part, hidden);
  const choice = new Choice(part("choice"), () => compare(true));
  const ask = newest((sentence) => sentence && say(sentence));
  /** @type {Comparison | null} */
  let answer = null;

  /** @param {string} text */
  const say = (text) => tell(part("said"), text);

  /** Compares what is chosen; `anew` where that is another choice. @param {boolean} anew */
  async function compare(anew) {
    for (const id of hidden) if (!choice.ids.includes(id)) hidden.delete(id);
    if (choice.ids.length < FEWEST) {
      answer = null;
      part("body").hidden = true;
      wait();
      return;
    }
    const found = await ask("compare", { run_ids: [...choice.ids] });
    if (!found || choice.ids.length < FEWEST) return;
    answer = found;
    const differ = found.settings.some((one) => TOKENIZER.includes(one.key));
    if (anew) part("unit").value = differ ? "bits" : "loss";
    part("body").hidden = false;
    fill(found);
  }

  /** What to do while there are too few to compare. */
  function wait() {
    const more = choice.ids.length
      ? "Choose one more run to compare it with."
      : "Choose at least two runs.";
    say(runs.value.length < FEWEST ? "" : more);
  }

  /** @param {Comparison} found */
  function fill(found) {
    const names = namesOf(found);
    say(summary(found, names));
    part("caution").textContent = found.cautions.join(" ");
    drawTable(part, found, names);
    drawLegend(found, names);
    draw();
  }

  function draw() {
    if (answer) chart.draw(answer, choice.places);
  }

  /** @param {Comparison} found @param {Record<string, string>} names */
  function drawLegend(found, names) {
    const box = part("legend");
    while (box.children.length > found.runs.length) box.lastElementChild.remove();
    found.runs.forEach((run, i) => {
      const row = /** @type {HTMLElement} */ (box.children[i] || entry(box));
      const place = choice.places[run.id];
      row.dataset.run = run.id;
      const swatch = d3.select(row).select("svg").style("--run", color(place));
      swatch.select("line").attr("stroke-dasharray", () => DASHES[place]);
      swatch
        .select("path")
        .attr("d", shape(place))
        .attr("transform", `translate(23,7) ${turned(place)}`);
      tell(/** @type {Element} */ (row.querySelector(".name")), names[run.id]);
      const button = /** @type {Element} */ (row.querySelector("button"));
      button.setAttribute("aria-pressed", String(!hidden.has(run.id)));
      button.setAttribute("aria-label", `Show ${names[run.id]}`);
    });
  }

  /** @param {HTMLElement} box */
  function entry(box) {
    const row = add(box, "li");
    const button = add(row, "button", { type: "button" });
    add(row, "span", { class: "name" });
    add(row, "span", { class: "reads" });
    const svg = d3
      .select(button)
      .append("svg")
      .attr("class", "swatch")
      .attr("viewBox", "0 0 46 14")
      .attr("aria-hidden", "true");
    const line = svg.append("line").attr("x1", 1).attr("x2", 45).attr("y1", 7).attr("y2", 7);
    line.attr("stroke", "var(--run)").attr("stroke-width", 2.2);
    svg.append("path").attr("fill", "var(--run)");
    button.onclick = () => {
      const id = row.dataset.run || "";
      if (!hidden.delete(id)) hidden.add(id);
      button.setAttribute("aria-pressed", String(!hidden.has(id)));
      draw();
    };
    return row;
  }

  for (const name of ["across", "unit", "log"]) part(name).onchange = draw;
  new ResizeObserver(draw).observe(part("chart"));
  runs.follow(element, (list) => {
    part("none").hidden = list.length > 0;
    choice.follow();
    if (choice.ids.length < FEWEST) wait();
  });
  const look = (/** @type {string | null} */ id) => {
    if (id && !choice.touched) choice.choose([id]);
  };
  wanted.follow(element, look);
  look(wanted.value);
  part("none").hidden = runs.value.length > 0;
  choice.draw();
  const follow = async () => {
    const isSeen = !document.hidden && element.offsetParent !== null;
    if (isSeen && answer?.runs.some(isActive)) await compare(false);
  };
  repeat(element, follow, () => pause(AGAIN));
}

/** Two runs of one name are told apart by a number. @param {Comparison} found */
function namesOf({ runs: compared }) {
  /** @type {Record<string, number>} */
  const seen = {};
  const all = compared.map((run) => run.name);
  /** @type {Record<string, string>} */
  const names = {};
  for (const { id, name } of compared) {
    seen[name] = (seen[name] || 0) + 1;
    const isOne = all.filter((other) => other === name).length === 1;
    names[id] = isOne ? name : `${name} (${seen[name]})`;
  }
  return names;
}

/** @param {Comparison} found @param {Record<string, string>} names */
function summary(found, names) {
  const first = /** @type {const} */ (["best_validation_loss", "bits_per_byte"]).find(
    (name) => found.best[name],
  );
  const best = first ? found.runs.filter((run) => found.best[first].includes(run.id)) : [];
  if (!first || !best.length) return `${found.runs.length} runs are compared.`;
  const title = first === "bits_per_byte" ? "fewest bits per byte" : "best validation loss";
  const who = best.map((run) => names[run.id]).join(" and ");
  const value = best[0].figures[first]?.toFixed(4);
  return `${who} ${best.length > 1 ? "have" : "has"} the ${title} so far, ${value}.`;
}
