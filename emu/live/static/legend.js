// What the lines of the drawing mean.

import { channels } from "./views.js";
import { html, svg } from "./svg.js";

const LINES = [
  ["unicast", "tunnels", "tunnel that unicast holds"],
  ["multicast", "tunnels", "tunnel that multicast holds"],
  ["trail", "trails", "a message passing"],
];

function key(words, outer, ...classes) {
  const lines = classes.map((name) => svg("path", { d: "M2,7H28", class: name }));
  return html("li", {}, svg("svg", { width: 30, height: 14, "aria-hidden": "true" }, svg("g", { class: outer }, ...lines)), words);
}

export function drawLegend(element, run) {
  const trees = channels(run).slice(0, 4).map(({ name }, at) => key(`tree of ${name}`, "trees", `tree c${at}`));
  if (Object.values(run.nodes).some(({ role }) => role === "i3-client")) trees.push(key("tree of i3", "trees", "tree c1"));
  const lines = LINES.map(([name, outer, words]) =>
    key(words, outer, ...(outer === "tunnels" ? ["pipe", "bore", name] : [name])));
  element.replaceChildren(...lines, ...trees, html("li", {}, "⚓ flows, calls and players that are anchored here"));
}
