// All events of a run in order of time, and the state at any moment of it.

import { apply, initial } from "./state.js";

const BETWEEN_CHECKPOINTS = 1000;
const NEWEST_NS = 2.5e9;

export class History {
  constructor(run) {
    this.run = run;
    this.events = [];
    this.samples = new Map(); // flow -> bin -> sample
    this.ended = false;
    this.last = run.t0_ns;
    this.checkpoints = [initial()]; // the state before event 0, 1000, 2000, ...
    this.current = { place: 0, state: initial() };
    this.version = 0; // changes whenever anything is added
    this.handovers = [];
    this.requests = [];
    this.levels = new Map(); // player -> [{t, level}]
    this.calls = []; // {service, from, to, over_time}
  }

  addEvents(events) {
    this.version += 1;
    for (const event of events) {
      const place = this.placeOf(event.t);
      this.events.splice(place, 0, event);
      this.last = Math.max(this.last, event.t);
      if (event.kind === "l2_down") this.handovers.push(event.t);
      if (event.kind === "http_request") this.requests.push(event);
      if (event.kind === "buffer") {
        if (!this.levels.has(event.service)) this.levels.set(event.service, []);
        this.levels.get(event.service).push({ t: event.t, level: event.level_s });
      }
      const whole = Math.floor(place / BETWEEN_CHECKPOINTS) + 1;
      if (this.checkpoints.length > whole) this.checkpoints.length = whole;
      if (this.current.place > place) this.current = this.nearest(place);
    }
    this.handovers.sort((a, b) => a - b);
  }

  addSamples(samples) {
    this.version += 1;
    for (const sample of samples) {
      if (!this.samples.has(sample.flow)) this.samples.set(sample.flow, new Map());
      this.samples.get(sample.flow).set(sample.bin, sample);
    }
  }

  /** Of calls that go on. */
  addScores(scores) {
    this.version += 1;
    for (const { service, from, to, at_s, mos } of scores) {
      let call = this.calls.find((one) => one.service === service && one.from === from);
      if (!call) {
        call = { service, from, to, over_time: [] };
        this.calls = [...this.calls, call];
      }
      call.over_time.push({ at_s, mos });
    }
  }

  /** The number of events until and with a time. */
  placeOf(time) {
    let [low, high] = [0, this.events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle].t <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  nearest(place) {
    const number = Math.min(Math.floor(place / BETWEEN_CHECKPOINTS), this.checkpoints.length - 1);
    return { place: number * BETWEEN_CHECKPOINTS, state: structuredClone(this.checkpoints[number]) };
  }

  /** The state at a time; to be read only, and only until the next call. */
  at(time) {
    const place = this.placeOf(time);
    if (this.current.place > place) this.current = this.nearest(place);
    const { current } = this;
    while (current.place < place) {
      apply(current.state, this.events[current.place]);
      current.place += 1;
      if (current.place === this.checkpoints.length * BETWEEN_CHECKPOINTS) {
        this.checkpoints.push(structuredClone(current.state));
      }
    }
    return current.state;
  }

  /** A flow's sample of the bin that a time is in, or of the last one before it: the newest are not known at once. */
  sampleAt(flow, time) {
    const bins = this.samples.get(flow);
    const bin = Math.floor((time - this.run.t0_ns) / this.run.bin_ns);
    for (let at = bin; at >= bin - NEWEST_NS / this.run.bin_ns; at -= 1) {
      if (bins?.has(at)) return bins.get(at);
    }
    return null;
  }

  /** Sums over a flow's bins that have ended by a time. */
  totals(flow, time) {
    const total = { received: 0, lost: 0, bytes: 0 };
    const end = Math.floor((time - this.run.t0_ns) / this.run.bin_ns);
    for (const [bin, sample] of this.samples.get(flow) ?? []) {
      if (bin >= end) continue;
      for (const key of Object.keys(total)) total[key] += sample[key] ?? 0;
    }
    return total;
  }

  get start() {
    return Math.min(this.run.t0_ns, this.events[0]?.t ?? this.run.t0_ns);
  }

  get end() {
    return Math.max(this.last, this.run.end_ns ?? this.run.t0_ns + this.run.scenario.duration);
  }
}
