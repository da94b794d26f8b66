// What changes over the whole run, each in a chart of its own, with the moment that is shown.

import { callCharts, flowCharts, playerCharts } from "./curves.js";
import { html, svg } from "./svg.js";

const HEIGHT = 66;
const EDGE = 4;
const MOST_FLOWS = 12;

export class Charts {
  constructor(element, seek) {
    this.element = element;
    this.charts = [];
    this.history = null;
    element.addEventListener("pointerdown", (event) => {
      const chart = event.target.closest("svg");
      if (!chart || !this.history) return;
      const box = chart.getBoundingClientRect();
      seek(this.start + ((event.clientX - box.left) / box.width) * (this.end - this.start));
    });
  }

  draw(history, time) {
    if (this.history !== history || this.calls !== history.calls) this.begin(history);
    const width = this.element.clientWidth;
    const drawn = `${width} ${history.version} ${history.end}`;
    if (this.drawn !== drawn) {
      Object.assign(this, { drawn, width, start: history.run.t0_ns, end: history.end });
      for (const chart of this.charts) this.fill(chart);
    }
    const x = this.x(time);
    for (const { cursor, later, now, curve } of this.charts) {
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, x);
      later.setAttribute("x", Math.min(x, width));
      later.setAttribute("width", Math.max(0, width - x));
      const words = curve.words(time);
      if (now.textContent !== words) now.textContent = words;
    }
  }

  begin(history) {
    Object.assign(this, { history, calls: history.calls, drawn: null });
    const flows = flowCharts(history);
    const curves = [...playerCharts(history), ...callCharts(history), ...flows.slice(0, MOST_FLOWS)];
    this.charts = curves.map((curve) => this.chart(curve));
    const more = flows.length - MOST_FLOWS;
    const rest = more > 0 ? [html("p", {}, `and ${more} more flows, which the table has`)] : [];
    this.element.replaceChildren(...this.charts.map((chart) => chart.figure), ...rest);
  }

  x(time) {
    return EDGE + ((this.width - 2 * EDGE) * (Math.max(time, this.start) - this.start)) / (this.end - this.start);
  }

  chart(curve) {
    const now = html("span", { class: "now" });
    const title = html("figcaption", {}, html("strong", {}, curve.name), ` ${curve.about} `, now);
    const content = svg("g");
    const later = svg("rect", { y: 0, height: HEIGHT, class: "later" });
    const cursor = svg("line", { y1: 0, y2: HEIGHT, class: "cursor" });
    const drawing = svg("svg", { height: HEIGHT, role: "img", "aria-label": `${curve.name}, ${curve.about}` }, content, later, cursor);
    return { figure: html("figure", { "data-chart": curve.name }, title, drawing), drawing, content, later, cursor, now, curve };
  }

  fill({ drawing, content, curve }) {
    drawing.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const x = (time) => this.x(time);
    const handovers = this.history.handovers.map((time) =>
      svg("line", { x1: x(time), x2: x(time), y1: 0, y2: HEIGHT, class: "handover" }));
    const scale = svg("text", { x: this.width - 4, y: HEIGHT - 6, class: "scale" });
    const parts = curve.draw(x, HEIGHT);
    scale.textContent = curve.scale;
    content.replaceChildren(...handovers, ...parts, scale);
  }
}
