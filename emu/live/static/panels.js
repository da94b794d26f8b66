// The tables beside the drawing: the same state in words and numbers.

import { html } from "./svg.js";
import { anchorOf, channels, listeners, pairs, sourceOf, treeEdges } from "./views.js";
import { bytes, number, rate } from "./words.js";
import { Layout } from "./layout.js";

const MOST_ROWS = 12;

function mobileNodes({ state, layout }) {
  return layout.mobile.map((name) => {
    const place = state.places[name];
    const at = place?.up ? place.mar : place ? "no link" : "not there yet";
    const addresses = Object.entries(state.addresses)
      .filter(([address, one]) => one.node === name && !address.startsWith("fe80"))
      .map(([address, one]) => `${address} (${[one.anchor, one.state].filter(Boolean).join(", ")})`);
    return [name, at, state.served[name]?.by ?? "–", addresses.join("\n") || "–"];
  });
}

function flows({ history, state, time, run }) {
  return run.flows.map((flow) => {
    const sample = history.sampleAt(flow.flow, time);
    const total = history.totals(flow.flow, time);
    const known = state.flows[flow.flow];
    const anchor = flow.kind === "multicast" ? flow.group : known?.anchor ?? "–";
    const delay = sample?.delay_ms === null || sample?.delay_ms === undefined ? "–" : `${number(sample.delay_ms, 1)} ms`;
    const lost = flow.protocol === "tcp" ? "–" : number(total.lost, 0);
    return [flow.flow, `${flow.from} → ${flow.to}`, anchor, rate(sample, run.bin_ns), delay, lost];
  });
}

const PHASES = { ready: "not begun", calling: "in progress" };

function services({ state, run }) {
  return Object.entries(run.scenario.services ?? {}).flatMap(([name, { kind, from, to }]) => {
    const servers = Object.values(state.servers).filter((one) => one.service === name)
      .sort((a, b) => a.node.localeCompare(b.node));
    if (!["player", "call"].includes(kind)) {
      return servers.map(({ node, count, bytes: sum, hits, killed }) => {
        const answered = `${count} answers, ${bytes(sum)}${kind === "cache" ? `, ${hits} hits` : ""}`;
        return [name, `${kind} at ${node}`, "–", killed ? `killed; ${answered}` : answered];
      });
    }
    const one = state.services[name];
    const what = kind === "call" ? `call ${from} → ${to}` : `player at ${run.scenario.services[name].node}`;
    if (!one) return [[name, what, "–", "not begun"]];
    const loaded = one.level === null ? "" : `, ${one.level.toFixed(1)} s loaded`;
    const stalls = one.stalls ? `, stalled ${one.stalls} times` : "";
    const now = one.phase === "ended" ? `ended${one.reason ? `: ${one.reason}` : ""}` : `${PHASES[one.phase] ?? one.phase}${loaded}`;
    return [[name, what, anchorOf(state, name, run) ?? "–", `${now}${stalls}`]];
  });
}

function answers({ state, since }) {
  return state.requests.slice(-MOST_ROWS).reverse().map((one) =>
    [since(one.at), one.uri, sourceOf(one), one.anchor ?? "–", bytes(one.bytes), `${number(one.seconds * 1e3, 0)} ms`]);
}

function tunnels({ state, since }) {
  return pairs(state).map(({ ends, since: opened, holders }) =>
    [ends.join(" ⇄ "), holders.join(", ") || "nobody", since(opened)]);
}

function trees({ state, run, layout }) {
  return channels(run).flatMap((channel) => {
    const edges = treeEdges(state, layout, channel);
    const listening = Object.values(state.listening).filter((one) => one.group === channel.group).map((one) => one.node);
    const reached = layout.mars.flatMap((mar) => listeners(state, channel.group, mar).filter((mn) =>
      edges.some((edge) => edge.from === mar && edge.to === mn)));
    return [[channel.name, channel.group, edges.map(({ from, to, tunnel }) => `${from} ${tunnel ? "⇒" : "→"} ${to}`).join("\n") || "nowhere",
      listening.map((mn) => (reached.includes(mn) ? mn : `${mn} (not reached)`)).sort().join(", ") || "nobody"]];
  });
}

function messages({ state, since, layout }) {
  return state.messages.slice(-MOST_ROWS).reverse().map((one) => {
    const took = one.arrived !== null && one.arrived > one.at ? `${number((one.arrived - one.at) / 1e6, 1)} ms` : "";
    return [since(one.at), one.name, `${one.from} → ${one.to ?? layout.peerOf(one.from, one.link) ?? (one.link.endsWith("-radio") ? "access link" : one.link)}`, one.about, took];
  });
}

function told({ state, since }) {
  return state.told.slice(-MOST_ROWS).reverse().map(({ at, text }) => [since(at), text]);
}

function counts({ state }) {
  return Object.entries(state.counts).sort(([a], [b]) => a.localeCompare(b)).map(([name, many]) => [name, String(many)]);
}

const PANELS = [
  { id: "mobile", title: "Mobile nodes", head: ["node", "is at", "served by", "addresses (anchor)"], cards: true, rows: mobileNodes },
  { id: "flows", title: "Flows", head: ["flow", "way", "anchored at", "now", "delay", "lost"], cards: true, rows: flows },
  { id: "services", title: "Services", head: ["service", "is", "anchored at", "now"], cards: true, rows: services },
  { id: "tunnels", title: "Tunnels", head: ["between", "held by", "since (s)"], rows: tunnels, none: "no tunnel is open" },
  { id: "trees", title: "Multicast trees", head: ["channel", "group", "goes (⇒ through a tunnel)", "listeners"], cards: true, rows: trees },
  { id: "answers", title: "Answers to requests", head: ["at (s)", "what", "from", "prefix of", "size", "took"], happening: true, rows: answers },
  { id: "told", title: "What happens", head: ["at (s)", "what"], rows: told, happening: true },
  { id: "messages", title: "Signalling", head: ["at (s)", "message", "way", "about", "took"], rows: messages, happening: true, none: "no message yet" },
  { id: "counts", title: "Messages so far", head: ["message", "number"], rows: counts },
];

export class Panels {
  constructor(happening, standing) {
    this.panels = PANELS.map((panel) => {
      const body = html("tbody");
      const head = html("tr", {}, ...panel.head.map((words) => html("th", { scope: "col" }, words)));
      const table = html("table", { id: `panel-${panel.id}`, class: panel.cards ? "cards" : null }, html("thead", {}, head), body);
      const title = html("h2", { id: `title-${panel.id}` }, panel.title);
      const scroll = html("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": `title-${panel.id}` }, table);
      const section = html("section", { "aria-labelledby": `title-${panel.id}` }, title, scroll);
      (panel.happening ? happening : standing).append(section);
      return { ...panel, body, section, shown: null };
    });
  }

  draw(history, state, time) {
    const { run } = history;
    if (this.run !== run) Object.assign(this, { run, layout: new Layout(run, 0) });
    const since = (at) => ((at - run.t0_ns) / 1e9).toFixed(3);
    const context = { history, state, time, run, layout: this.layout, since };
    for (const panel of this.panels) {
      const rows = panel.rows(context);
      const shown = JSON.stringify(rows);
      if (shown === panel.shown) continue;
      panel.shown = shown;
      panel.section.hidden = rows.length === 0 && !panel.none;
      const cells = (row) => row.map((words, at) => html(at === 0 ? "th" : "td", at === 0 ? { scope: "row" } : { "data-head": panel.head[at] }, words));
      panel.body.replaceChildren(...(rows.length ? rows.map((row) => html("tr", {}, ...cells(row)))
        : [html("tr", {}, html("td", { colspan: panel.head.length, class: "none" }, panel.none ?? ""))]));
    }
  }
}
