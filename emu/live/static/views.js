// A state as the drawing and the panels see it.

/** The channels of a run: {name, group}. */
export function channels(run) {
  return Object.entries(run.scenario.channels ?? {}).map(([name, { group }]) => ({ name, group }));
}

/** The tunnels by the pairs of routers that they join, both directions in one. */
export function pairs(state) {
  const found = new Map();
  for (const { router, peer, since, holders } of Object.values(state.tunnels)) {
    const ends = [router, peer].sort();
    const one = found.get(ends.join(" ")) ?? { ends, since, holders: new Set() };
    one.since = Math.min(one.since, since);
    for (const holder of holders) one.holders.add(holder);
    found.set(ends.join(" "), one);
  }
  return [...found.values()].map((one) => {
    const multicast = [...one.holders].some((holder) => holder.startsWith("multicast"));
    const unicast = [...one.holders].some((holder) => !holder.startsWith("multicast"));
    const words = [unicast && "unicast", multicast && "multicast"].filter(Boolean).join(" + ") || "held by nobody";
    return { ...one, holders: [...one.holders].sort(), unicast, multicast, words };
  });
}

/** The flows, calls and players that go by an anchor: those whose address is of its prefixes. */
export function anchored(state, node, run) {
  const services = Object.entries(state.services)
    .filter(([name, { phase }]) => phase !== "ended" && anchorOf(state, name, run) === node);
  const flows = Object.entries(state.flows).filter(([, flow]) => flow.anchor === node && flow.stopped === null);
  return [...services, ...flows].map(([name]) => name);
}

/** Where a service is anchored: a call where it began, a player where the address is from that it asked with last. */
export function anchorOf(state, name, run) {
  const { anchor, node } = state.services[name];
  if (run.scenario.services?.[name]?.kind !== "player") return anchor;
  return state.requests.findLast((request) => request.client === node)?.anchor ?? null;
}

/** Who an answer is from: a cache that has it, one that had to ask the origin, or the origin. */
export function sourceOf({ by, cache, hit }) {
  if (!cache) return by;
  return hit ? `cache of ${by}` : `origin, by the cache of ${by}`;
}

/** An i3 tree: {from, to, tunnel} from each client to those below it. */
export function i3Edges(state) {
  const owners = new Map(Object.entries(state.i3).map(([node, { identifier }]) => [identifier, node]));
  return Object.entries(state.i3).filter(([, { parent }]) => parent && owners.has(parent))
    .map(([node, { parent }]) => ({ from: owners.get(parent), to: node, tunnel: false }));
}

/** The mobile nodes that listen to a group at an access router. */
export function listeners(state, group, mar) {
  const nodes = Object.values(state.listening).filter((one) => one.group === group).map((one) => one.node);
  return [...new Set(nodes)].filter((node) => state.places[node]?.up && state.places[node].mar === mar).sort();
}

/** Where a channel's packets go now: {from, to, tunnel}, from router to router and on to the listeners. */
export function treeEdges(state, layout, { group }) {
  const edges = [];
  for (const tree of Object.values(state.trees[group] ?? {})) {
    for (const [node, { incoming, outgoing }] of Object.entries(tree)) {
      const before = incoming && layout.peerOf(node, incoming);
      if (before && ["source", "server"].includes(layout.roles[before])) edges.push({ from: before, to: node, tunnel: false });
      for (const link of outgoing) {
        const peer = layout.peerOf(node, link);
        if (peer) edges.push({ from: node, to: peer, tunnel: link.startsWith("tun-") });
        else if (link.endsWith("-radio")) {
          for (const mn of listeners(state, group, node)) edges.push({ from: node, to: mn, tunnel: false });
        }
      }
    }
  }
  return edges;
}
