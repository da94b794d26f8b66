// Throughput and loss of each flow over the whole run, with the moment that is shown.

import { html, svg } from "./svg.js";
import { rate } from "./panels.js";

const HEIGHT = 66;
const TOP = 16; // for the bars of loss, which hang from above
const LEFT = 4;
const MOST = 12;

export class Charts {
  constructor(element, seek) {
    this.element = element;
    this.charts = new Map();
    this.history = null;
    element.addEventListener("pointerdown", (event) => {
      const chart = event.target.closest("svg");
      if (!chart || !this.history) return;
      const box = chart.getBoundingClientRect();
      seek(this.start + ((event.clientX - box.left) / box.width) * (this.end - this.start));
    });
  }

  draw(history, time) {
    const width = this.element.clientWidth;
    if (this.history !== history) {
      Object.assign(this, { history, drawn: null });
      const { flows } = history.run;
      this.charts = new Map(flows.slice(0, MOST).map((flow) => [flow.flow, this.chart(flow)]));
      const more = flows.length > MOST ? html("p", {}, `and ${flows.length - MOST} more flows, which the table has`) : null;
      this.element.replaceChildren(...[...this.charts.values()].map((chart) => chart.figure), ...(more ? [more] : []));
    }
    const many = [...history.samples.values()].reduce((sum, bins) => sum + bins.size, 0);
    const drawn = `${width} ${many} ${history.end} ${history.handovers.length}`;
    if (this.drawn !== drawn) {
      Object.assign(this, { drawn, width, start: history.run.t0_ns, end: history.end });
      for (const [flow, chart] of this.charts) this.fill(chart, history.samples.get(flow) ?? new Map());
    }
    const x = this.x(time);
    for (const [flow, chart] of this.charts) {
      for (const end of ["x1", "x2"]) chart.cursor.setAttribute(end, x);
      const later = Math.max(0, width - x);
      chart.later.setAttribute("x", width - later);
      chart.later.setAttribute("width", later);
      const sample = history.sampleAt(flow, time);
      const lost = sample?.lost ? `, ${sample.lost} lost` : "";
      const words = `${rate(sample, history.run.bin_ns)}${lost}`;
      if (chart.now.textContent !== words) chart.now.textContent = words;
    }
  }

  x(time) {
    return LEFT + ((this.width - 2 * LEFT) * (Math.max(time, this.start) - this.start)) / (this.end - this.start);
  }

  chart(flow) {
    const now = html("span", { class: "now" });
    const title = html("figcaption", {}, html("strong", {}, flow.flow), ` ${flow.protocol ?? flow.kind} `, now);
    const content = svg("g");
    const later = svg("rect", { y: 0, height: HEIGHT, class: "later" });
    const cursor = svg("line", { y1: 0, y2: HEIGHT, class: "cursor" });
    const drawing = svg("svg", { height: HEIGHT, role: "img", "aria-label": `Throughput and loss of ${flow.flow}` },
      content, later, cursor);
    return { figure: html("figure", { "data-flow": flow.flow }, title, drawing), drawing, content, later, cursor, now };
  }

  fill({ drawing, content }, bins) {
    const { bin_ns: width } = this.history.run;
    drawing.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const samples = [...bins.values()].sort((a, b) => a.bin - b.bin);
    const value = (sample) => sample.bytes ?? sample.received;
    const most = Math.max(1, ...samples.map(value));
    const mostLost = Math.max(1, ...samples.map((sample) => sample.lost ?? 0));
    const at = (bin) => this.x(this.start + bin * width);
    const y = (sample) => HEIGHT - 2 - ((HEIGHT - TOP - 6) * value(sample)) / most;
    let line = "";
    let before = null;
    for (const sample of samples) {
      line += before === sample.bin ? `V${y(sample)}` : `M${at(sample.bin)},${y(sample)}`;
      line += `H${at(sample.bin + 1)}`;
      before = sample.bin + 1;
    }
    const marks = this.history.handovers.map((time) => svg("line", { x1: this.x(time), x2: this.x(time), y1: 0, y2: HEIGHT, class: "handover" }));
    const bars = samples.filter((sample) => sample.lost).map((sample) => svg("rect", {
      x: at(sample.bin), y: 0, width: Math.max(2, at(sample.bin + 1) - at(sample.bin) - 0.5),
      height: 4 + ((TOP - 4) * sample.lost) / mostLost, class: "lost",
    }));
    const scale = most === 1 ? "" : `up to ${rate({ bytes: samples[0]?.bytes === null ? null : most, received: most }, width)}`;
    content.replaceChildren(...marks, svg("path", { d: line, class: "rate" }), ...bars,
      svg("text", { x: this.width - 4, y: HEIGHT - 6, class: "scale" }, scale));
  }
}
