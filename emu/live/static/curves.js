// The things that a chart can show: each has a name, says what it is `about`, draws itself, and has words for a moment.

import { rate } from "./words.js";
import { svg } from "./svg.js";
import { HITS } from "./state.js";
import { sourceOf } from "./views.js";

const TOP = 16; // above a curve, for what hangs from there
const LETTER = 6;

/** The y of values from 0 (or `least`) to the most. */
const scaled = (height, most, least = 0) => (value) => height - 3 - ((height - TOP - 8) * (value - least)) / (most - least);

class FlowCurve {
  constructor(history, flow) {
    Object.assign(this, { history, flow, name: flow.flow, about: flow.protocol ?? flow.kind, scale: "" });
  }

  draw(x, height) {
    const { bin_ns: width, t0_ns: start } = this.history.run;
    const samples = [...(this.history.samples.get(this.name)?.values() ?? [])].sort((a, b) => a.bin - b.bin);
    const value = (sample) => sample.bytes ?? sample.received;
    const most = Math.max(0, ...samples.map(value));
    const mostLost = Math.max(1, ...samples.map((sample) => sample.lost ?? 0));
    const y = scaled(height, most || 1);
    const at = (bin) => x(start + bin * width);
    let line = "";
    let before = null;
    for (const sample of samples) {
      line += before === sample.bin ? `V${y(value(sample))}` : `M${at(sample.bin)},${y(value(sample))}`;
      line += `H${at(sample.bin + 1)}`;
      before = sample.bin + 1;
    }
    const bars = samples.filter((sample) => sample.lost).map((sample) => svg("rect", {
      x: at(sample.bin), y: 0, width: Math.max(2, at(sample.bin + 1) - at(sample.bin) - 0.5),
      height: 4 + ((TOP - 4) * sample.lost) / mostLost, class: "lost",
    }));
    const sized = samples[0]?.bytes ?? null;
    this.scale = most ? `up to ${rate({ bytes: sized === null ? null : most, received: most }, width)}` : "";
    return [svg("path", { d: line, class: "rate" }), ...bars];
  }

  words(time) {
    const sample = this.history.sampleAt(this.name, time);
    return `${rate(sample, this.history.run.bin_ns)}${sample?.lost ? `, ${sample.lost} lost` : ""}`;
  }
}

class PlayerCurve {
  constructor(history, name, player) {
    Object.assign(this, { history, name, node: player.node, about: "buffer, and where segments come from", scale: "" });
  }

  get levels() {
    return (this.history.levels.get(this.name) ?? []).filter(({ level }) => level !== null);
  }

  draw(x, height) {
    const { levels } = this;
    const most = Math.max(1, ...levels.map(({ level }) => level));
    const y = scaled(height, most);
    const line = levels.map(({ t, level }, at) => `${at ? "L" : "M"}${x(t)},${y(level)}`).join("");
    this.scale = `up to ${most.toFixed(1)} s`;
    return [svg("path", { d: line, class: "rate" }), ...this.sources(x)];
  }

  /** Bars of segments from one source each, with its name where there is room, and a tick for each segment. */
  sources(x) {
    const spans = [];
    for (const segment of segments(this.history.requests, this.node)) {
      const source = sourceOf({ by: segment.node, cache: segment.cache, hit: HITS.includes(segment.cache) });
      if (spans.at(-1)?.source !== source) spans.push({ source, segment, times: [] });
      spans.at(-1).times.push(segment.t);
    }
    return spans.flatMap(({ source, segment, times }, at) => {
      const from = x(times[0]) - 2;
      const to = Math.max(from + 4, spans[at + 1] ? Math.min(x(times.at(-1)) + 2, x(spans[at + 1].times[0]) - 3) : x(times.at(-1)) + 2);
      const kind = !segment.cache ? "origin" : HITS.includes(segment.cache) ? "hit" : "miss";
      const room = (spans[at + 1] ? x(spans[at + 1].times[0]) : x(this.history.end)) - from;
      const ticks = times.map((time) => svg("line", { x1: x(time), x2: x(time), y1: 1, y2: 9, class: "segment" }));
      const label = room > source.length * LETTER ? [svg("text", { x: from, y: 20, class: "source" }, source)] : [];
      return [svg("rect", { x: from, y: 2, width: to - from, height: 6, class: kind }), ...ticks, ...label];
    });
  }

  words(time) {
    const one = this.levels.findLast(({ t }) => t <= time);
    return one ? `${one.level.toFixed(1)} s loaded` : "–";
  }
}

/** The segments that a node was answered, each once: what a cache had to ask the origin for, the cache answered. */
function segments(requests, node) {
  const caches = requests.filter((one) => one.cache);
  const asked = (one) => caches.some((cache) => cache.uri === one.uri && one.t <= cache.t + 50e6
    && one.t >= cache.t - cache.seconds * 1e9 - 50e6);
  return requests.filter((one) => /-\d+\.m4s$/.test(one.uri) && one.client_node === node && (one.cache || !asked(one)))
    .sort((a, b) => a.t - b.t);
}

class CallCurve {
  constructor(history, call) {
    Object.assign(this, { history, call, name: call.service, about: `MOS of ${call.from} → ${call.to}`, scale: "1 to 4.5" });
  }

  get scores() {
    const start = this.history.run.t0_ns;
    return this.call.over_time.filter(({ mos }) => mos !== null).map(({ at_s, mos }) => ({ t: start + at_s * 1e9, mos }));
  }

  draw(x, height) {
    const y = scaled(height, 4.5, 1);
    return [svg("path", { d: this.scores.map(({ t, mos }, at) => `${at ? "L" : "M"}${x(t)},${y(mos)}`).join(""), class: "rate" })];
  }

  words(time) {
    return this.scores.findLast(({ t }) => t <= time)?.mos.toFixed(2) ?? "–";
  }
}

export const flowCharts = (history) => history.run.flows.map((flow) => new FlowCurve(history, flow));

export const playerCharts = (history) => Object.entries(history.run.scenario.services ?? {})
  .filter(([, { kind }]) => kind === "player").map(([name, player]) => new PlayerCurve(history, name, player));

export const callCharts = (history) => history.calls.map((call) => new CallCurve(history, call));
