// The controls of time: buttons, slider, keys.

import { svg } from "./svg.js";

const STEP_NS = 1e9;

export class Timeline {
  constructor(player) {
    this.player = player;
    const get = (id) => document.getElementById(id);
    Object.assign(this, { play: get("play"), edge: get("edge"), speed: get("speed"), slider: get("time"), clock: get("clock"), marks: get("marks") });
    this.play.addEventListener("click", () => player.toggle());
    this.edge.addEventListener("click", () => player.follow());
    this.speed.addEventListener("change", () => { player.speed = Number(this.speed.value); });
    this.slider.addEventListener("input", () => {
      if (player.history) player.seek(player.history.run.t0_ns + Math.round(Number(this.slider.value) * 1e9));
    });
    document.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.player.history) return;
    const { player } = this;
    const control = event.target.closest("button, select, input, .scroll");
    if (event.key === " " && !control) player.toggle();
    else if (event.key === "ArrowLeft" && !control) player.seek(player.time - STEP_NS);
    else if (event.key === "ArrowRight" && !control) player.seek(player.time + STEP_NS);
    else if (event.key === ",") this.handover(player.history.handovers.filter((at) => at < player.time - 1e6).at(-1));
    else if (event.key === ".") this.handover(player.history.handovers.find((at) => at > player.time + 1e6));
    else return;
    event.preventDefault();
  }

  handover(at) {
    if (at !== undefined) this.player.seek(at);
  }

  draw(wall) {
    const { player, slider } = this;
    const { history } = player;
    const seconds = (time) => (time - history.run.t0_ns) / 1e9;
    this.set(this.play, player.playing ? "Pause" : "Play");
    this.edge.hidden = !player.live || history.ended;
    this.edge.setAttribute("aria-pressed", player.following);
    slider.min = Math.min(0, Math.floor(seconds(history.start) * 100) / 100);
    slider.max = Math.ceil(seconds(Math.max(history.end, player.edge(wall))) * 100) / 100;
    if (document.activeElement !== slider || player.playing) slider.value = seconds(player.time).toFixed(2);
    const now = `${seconds(player.time).toFixed(2)} s`;
    this.set(this.clock, now);
    slider.setAttribute("aria-valuetext", now);
    this.drawMarks(history, seconds);
  }

  drawMarks(history, seconds) {
    const { slider, marks } = this;
    const drawn = `${history.handovers.length} ${slider.min} ${slider.max}`;
    if (this.drawn === drawn) return;
    this.drawn = drawn;
    const part = (at) => (seconds(at) - slider.min) / (slider.max - slider.min);
    marks.setAttribute("viewBox", "0 0 1000 8");
    marks.setAttribute("preserveAspectRatio", "none");
    marks.replaceChildren(...history.handovers.map((at) => svg("rect", { x: part(at) * 1000 - 1, y: 0, width: 3, height: 8 })));
  }

  set(element, words) {
    if (element.textContent !== words) element.textContent = words;
  }
}
