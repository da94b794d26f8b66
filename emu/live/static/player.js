// Which moment is shown: it goes on at a speed, stands still, or keeps up with a run that goes on.

const BEHIND_NS = 600e6; // events of a moment are written, read and sent within this

export class Player {
  constructor() {
    this.source = null;
    this.live = false; // the run went on when it was opened
    this.time = null;
    this.speed = 1;
    this.playing = true;
    this.following = false; // at the edge of a run that goes on
    this.before = null;
  }

  open(source, live) {
    Object.assign(this, { source, live, time: null, playing: true, following: live, before: null });
  }

  get history() {
    return this.source?.history ?? null;
  }

  /** The newest moment that can be shown. */
  edge(wall) {
    const { history, source: { clock } } = this;
    if (history.ended || !this.live) return history.end;
    const now = clock ? clock.t + (wall - clock.at) * 1e6 : history.last;
    return Math.max(history.start, now - BEHIND_NS);
  }

  tick(wall) {
    if (!this.history) return;
    const edge = this.edge(wall);
    this.time ??= this.following ? edge : Math.min(this.history.run.t0_ns, edge);
    if (this.following) {
      this.time = edge;
      if (this.history.ended) Object.assign(this, { following: false, playing: false });
    } else if (this.playing && this.before !== null) {
      this.time += (wall - this.before) * 1e6 * this.speed;
      if (this.time >= edge) {
        this.time = edge;
        if (this.history.ended) this.playing = false;
        else if (this.speed >= 1) this.following = true;
      }
    }
    this.before = wall;
  }

  toggle() {
    const start = !this.playing;
    if (start && this.history?.ended && this.time >= this.history.end) this.time = this.history.run.t0_ns;
    Object.assign(this, { playing: start, following: false });
  }

  seek(time) {
    if (!this.history) return;
    this.time = Math.min(Math.max(time, this.history.start), this.edge(performance.now()));
    this.following = false;
  }

  follow() {
    Object.assign(this, { playing: true, following: !this.history.ended });
  }
}
