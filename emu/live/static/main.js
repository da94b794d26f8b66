// Joins the server's stream, the time that is shown, and what shows it.

import { Charts } from "./charts.js";
import { drawLegend } from "./legend.js";
import { html } from "./svg.js";
import { Panels } from "./panels.js";
import { Player } from "./player.js";
import { show, Source } from "./source.js";
import { Timeline } from "./timeline.js";
import { Topology } from "./topology.js";

const PANELS_MS = 150;
const ASK_AGAIN_MS = 1000;

const get = (id) => document.getElementById(id);
const player = new Player();
const runs = get("run");
const topology = new Topology(get("topology"));
const charts = new Charts(get("chart-rows"), (time) => player.seek(time));
const panels = new Panels(get("happening"), get("standing"));
const timeline = new Timeline(player);
let about = { name: "", live: false, runs: [] };
let chosen = false; // by the viewer: then a new run that begins is not shown by itself
let drawnPanels = 0;
let legendOf = null;

function open(number) {
  player.source?.close();
  player.open(new Source(number), about.live);
  runs.value = number;
}

/** Ask which runs there are, while more may come. */
async function ask() {
  try {
    about = await show();
  } catch {
    about.live = false; // the server has ended; what came stays
    return;
  }
  get("name").textContent = about.name;
  document.title = `${about.name} – emu`;
  const shown = [...runs.options].map((option) => option.value).join();
  if (shown !== about.runs.join()) {
    const selected = runs.value;
    runs.replaceChildren(...about.runs.map((number) => html("option", { value: number }, String(number))));
    runs.value = selected;
    get("run-choice").hidden = about.runs.length < 2;
    const first = about.live ? about.runs.at(-1) : about.runs[0];
    if (first !== undefined && !chosen && (!player.source || about.live)) open(first);
  }
  if (about.live) setTimeout(ask, ASK_AGAIN_MS);
}

function describe() {
  const { history, source } = player;
  if (source?.problem) return source.problem;
  if (!history) return about.live && !source ? "waiting for the run to begin" : "connecting";
  if (history.ended) return about.live || player.live ? "the run has ended; this is what it did" : `replay of run ${history.run.run}`;
  if (source.lost) return "the connection is lost; trying again";
  return player.following ? "live" : "behind the run";
}

function frame(wall) {
  requestAnimationFrame(frame);
  player.tick(wall);
  const words = describe();
  if (get("state").textContent !== words) get("state").textContent = words;
  const { history, time } = player;
  if (history) {
    if (legendOf !== history.run) drawLegend(get("legend"), (legendOf = history.run));
    const state = history.at(time);
    timeline.draw(wall);
    topology.draw(history, state, time, player.speed);
    charts.draw(history, time);
    if (wall - drawnPanels > PANELS_MS) {
      drawnPanels = wall;
      panels.draw(history, state, time);
      const { run, t0_ns: start } = history.run;
      document.body.dataset.shown = `${run} ${((time - start) / 1e9).toFixed(2)}`; // tests wait for it
    }
  }
}

runs.addEventListener("change", () => {
  chosen = true;
  open(Number(runs.value));
});
ask();
requestAnimationFrame(frame);
