/** A curve to sketch: sliders, one for each point, and the line through them. */
import { add } from "../../lib/dom.js";
import { evenAxis, LineChart } from "../../lib/line_chart.js";

const MARGIN = { top: 12, right: 14, bottom: 24, left: 52 };
const HEIGHT = 180;
const SLIDER = 200; // places

export class CurveSketch {
  /**
   * @param {HTMLElement} parent
   * @param {import("./prediction.js").Prediction} prediction
   */
  constructor(parent, prediction) {
    this.low = prediction.low ?? 0;
    this.high = prediction.high ?? 1;
    const count = prediction.points ?? 2;
    this.values = Array.from({ length: count }, () => this.high);
    const box = add(parent, "div", { class: "sketch" });
    this.chart = new LineChart(box, MARGIN);
    const sliders = add(parent, "div", { class: "sliders" });
    for (let i = 0; i < count; i++) {
      const label = add(sliders, "label", { text: `${Math.round((100 * i) / (count - 1))} %` });
      const input = add(label, "input", { type: "range" });
      input.min = "0";
      input.max = String(SLIDER);
      input.value = String(SLIDER);
      input.setAttribute("aria-label", `Loss after ${Math.round((100 * i) / (count - 1))} %`);
      input.oninput = () => {
        const share = Number(input.value) / SLIDER;
        this.values[i] = this.low + share * (this.high - this.low);
        input.setAttribute("aria-valuetext", this.values[i].toFixed(2));
        this.draw();
      };
    }
    new ResizeObserver(() => this.draw()).observe(box);
  }

  draw() {
    const { chart } = this;
    if (!chart.box.clientWidth) return;
    chart.fit(HEIGHT, 240);
    chart.axes({
      x: evenAxis([0, 100], chart.left, chart.right),
      ends: [this.low, this.high],
      titles: ["loss", "% of the steps"],
      rows: 4,
    });
    const last = this.values.length - 1;
    const points = this.values.map(
      (value, i) => /** @type {[number, number]} */ ([(100 * i) / last, value]),
    );
    chart
      .part("curve")
      .selectAll("path")
      .data([points])
      .join("path")
      .attr("class", "rate")
      .attr("d", (d) => chart.line(d));
    chart.svg.attr("aria-label", `Your sketch: ${this.values.map((v) => v.toFixed(1)).join(", ")}`);
  }
}
