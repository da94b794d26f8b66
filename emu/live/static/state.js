// What is true of a run at a moment, from its events until then. No clock, no document: `initial` makes
// the state before everything, `apply` brings it one event further.

const MOST_MESSAGES = 400;
const MOST_TOLD = 200;
const MOST_REQUESTS = 200;
export const HITS = ["HIT", "STALE", "UPDATING", "REVALIDATED"]; // nginx's words for what a cache has itself

export function initial() {
  return {
    places: {},      // mobile node -> {mar, up, since, target}
    served: {},      // mobile node -> {by, since}
    addresses: {},   // address -> {node, state, anchor}
    tunnels: {},     // "router peer" -> {router, peer, since, holders}
    flows: {},       // flow -> {started, stopped, local, remote, anchor, failed}
    listening: {},   // flow -> {node, group, since}
    trees: {},       // group -> source -> node -> {incoming, outgoing}
    membership: {},  // router -> its records
    services: {},    // service -> {node, phase, position, level, stalls, reason, anchor}
    servers: {},     // "service node" -> {service, node, count, bytes, hits, killed}: what it answered
    requests: [],    // {at, client, anchor, by, uri, status, bytes, seconds, cache}
    i3: {},     // i3 client -> {phase, identifier, parent: an identifier}
    down: {},        // agents that were killed
    messages: [],    // {at, from, to, link, name, about, arrived}
    counts: {},      // name of a message -> how many
    told: [],        // {at, text}
  };
}

const bare = (name) => (name ?? "").split("@")[0];

function place(state, event) {
  return (state.places[bare(event.mn)] ??= { mar: null, up: false, since: event.t, target: null });
}

function tunnel(state, event) {
  const peer = event.peer_node ?? event.peer;
  const key = `${event.node} ${peer}`;
  return (state.tunnels[key] ??= { router: event.node, peer, since: event.t, holders: [] });
}

function sent(state, event, name) {
  const to = event.destination_node ?? event.destination ?? "?";
  const message = {
    at: event.t, from: event.node, to, link: null, name, about: bare(event.mn), sequence: event.sequence, arrived: null,
  };
  add(state, message);
}

function received(state, event, name) {
  const from = event.source_node ?? event.source;
  const one = state.messages.findLast((message) => message.arrived === null && message.name === name
    && message.to === event.node && message.sequence === event.sequence
    && (message.from === from || from === undefined));
  if (one) one.arrived = event.t;
}

function add(state, message) {
  state.messages.push(message);
  if (state.messages.length > MOST_MESSAGES) state.messages.shift();
  state.counts[message.name] = (state.counts[message.name] ?? 0) + 1;
}

function service(state, event) {
  return (state.services[event.service] ??= {
    node: event.node, phase: "ready", position: null, level: null, stalls: 0, reason: null, anchor: null,
  });
}

function server(state, { service: name, node }) {
  return (state.servers[`${name} ${node}`] ??= { service: name, node, count: 0, bytes: 0, hits: 0, killed: false });
}

function served(state, event, phase) {
  service(state, event).phase = phase;
}

function onLink(state, event, name, about) {
  add(state, { at: event.t, from: event.node, to: null, link: event.link, name, about, arrived: null });
}

const APPLY = {
  l2_up(state, event) {
    Object.assign(place(state, event), { mar: event.mar, up: true, since: event.t, target: null });
  },
  l2_down(state, event) {
    Object.assign(place(state, event), { up: false, since: event.t });
  },
  link_going_down(state, event) {
    place(state, event).target = event.to;
  },
  associated(state, event) {
    place(state, event).target = event.mar;
  },
  serving(state, event) {
    state.served[bare(event.mn)] = { by: event.node, since: event.t };
  },
  serving_ended(state, event) {
    if (state.served[bare(event.mn)]?.by === event.node) delete state.served[bare(event.mn)];
  },
  address(state, event) {
    const address = event.address.split("/")[0];
    if (["preferred", "optimistic", "tentative", "deprecated"].includes(event.state)) {
      state.addresses[address] = { node: event.node, state: event.state, anchor: event.anchor ?? null };
    } else {
      delete state.addresses[address];
    }
  },
  tunnel_created(state, event) {
    tunnel(state, event);
  },
  tunnel_held(state, event) {
    const { holders } = tunnel(state, event);
    if (!holders.includes(event.holder)) holders.push(event.holder);
  },
  tunnel_released(state, event) {
    const one = tunnel(state, event);
    one.holders = one.holders.filter((holder) => holder !== event.holder);
  },
  tunnel_removed(state, event) {
    delete state.tunnels[`${event.node} ${event.peer_node ?? event.peer}`];
  },
  crashed(state, event) {
    state.down[event.node] = event.t;
  },
  restarted(state, event) {
    delete state.down[event.node];
    for (const [key, one] of Object.entries(state.tunnels)) {
      if (one.router === event.node) delete state.tunnels[key];
    }
  },
  flow_started(state, event) {
    state.flows[event.flow] = {
      started: event.t, stopped: null, local: event.local, remote: event.remote_node ?? event.remote,
      node: event.node, anchor: event.anchor ?? null,
    };
  },
  flow_stopped(state, event) {
    if (state.flows[event.flow]) state.flows[event.flow].stopped = event.t;
  },
  flow_failed(state, event) {
    state.flows[event.flow] = { started: event.t, stopped: event.t, anchor: null, failed: event.reason };
  },
  joined(state, event) {
    state.listening[event.flow] = { node: event.node, group: event.group, since: event.t };
  },
  left(state, event) {
    delete state.listening[event.flow];
  },
  forwarding(state, event) {
    const tree = ((state.trees[event.group] ??= {})[event.source] ??= {});
    if (event.outgoing.length) tree[event.node] = { incoming: event.incoming, outgoing: event.outgoing };
    else delete tree[event.node];
  },
  membership(state, event) {
    state.membership[event.node] = event.records;
  },
  i3_place(state, event) {
    state.i3[event.node] = { phase: event.phase, identifier: event.identifier, parent: event.path.at(-1) ?? null };
  },
  player_started: (state, event) => served(state, event, "loading"),
  playing: (state, event) => served(state, event, "playing"),
  stalled(state, event) {
    served(state, event, "stalled");
    state.services[event.service].stalls += 1;
  },
  buffer(state, event) {
    Object.assign(service(state, event), { position: event.position_s, level: event.level_s });
  },
  player_ended(state, event) {
    Object.assign(service(state, event), { phase: "ended", reason: event.reason });
  },
  call_started(state, event) {
    Object.assign(service(state, event), { phase: "calling", anchor: event.anchor ?? null });
  },
  call_ended(state, event) {
    Object.assign(service(state, event), { phase: "ended", reason: event.reason, anchor: null });
  },
  server_killed: (state, event) => { server(state, event).killed = true; },
  service_ready: (state, event) => { server(state, event).killed = false; },
  http_request(state, event) {
    const { node, client_node: client = event.client, anchor = null, uri, status, bytes, seconds, cache } = event;
    const hit = HITS.includes(cache);
    const one = server(state, event);
    Object.assign(one, { count: one.count + 1, bytes: one.bytes + bytes, hits: one.hits + hit });
    state.requests.push({ at: event.t, client, anchor, by: node, uri, status, bytes, seconds, cache, hit });
    if (state.requests.length > MOST_REQUESTS) state.requests.shift();
  },
  sent: (state, event) => sent(state, event, event.message),
  received: (state, event) => received(state, event, event.message),
  mih_sent: (state, event) => sent(state, event, event.message),
  mih_received: (state, event) => received(state, event, event.message),
  query_sent: (state, event) => onLink(state, event, "MLD query", event.group ?? "general"),
  report_sent: (state, event) => onLink(state, event, "MLD report", event.groups.join(", ")),
  report_received(state, event) {
    if (!event.host_node || !event.link.endsWith("-radio")) return; // routers tell of theirs when they send them
    add(state, {
      at: event.t, from: event.host_node, to: event.node, link: null, name: "MLD report",
      about: event.groups.join(", "), arrived: event.t,
    });
  },
};

export function apply(state, event) {
  APPLY[event.kind]?.(state, event);
  if (event.text) {
    state.told.push({ at: event.t, text: event.text });
    if (state.told.length > MOST_TOLD) state.told.shift();
  }
}
