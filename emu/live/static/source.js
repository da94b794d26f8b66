// Where a run's history comes from: the server's stream of it. It is read again from where it was when
// the connection breaks, and closed when the run has ended.

import { History } from "./history.js";

export class Source {
  constructor(number) {
    this.history = null;
    this.clock = null; // {t, at}: the runs' clock, and the browser's when it was told
    this.lost = false;
    this.problem = null;
    this.events = new EventSource(`runs/${number}/events`);
    const on = (kind, act) => this.events.addEventListener(kind, (message) => {
      this.lost = false;
      act(JSON.parse(message.data));
    });
    on("run", (run) => { this.history = new History(run); });
    on("events", (events) => this.history.addEvents(events));
    on("throughput", (samples) => this.history.addSamples(samples));
    on("calls", (calls) => { this.history.calls = calls; });
    on("scores", (scores) => this.history.addScores(scores));
    on("clock", (clock) => { this.clock = { t: clock.t, at: performance.now() }; });
    on("unreadable", (words) => { this.problem = words; });
    on("end", () => {
      if (this.history) this.history.ended = true;
      this.close();
    });
    this.events.onerror = () => { this.lost = true; };
  }

  close() {
    this.events.close();
  }
}

export async function show() {
  const answer = await fetch("runs.json");
  return answer.json();
}
