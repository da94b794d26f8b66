// The drawing of the network: what stands, what moves, and what passes.

import { boxWidth, Layout } from "./layout.js";
import { anchored, channels, i3Edges, pairs, treeEdges } from "./views.js";
import { svg } from "./svg.js";

const FLIGHT_MS = 700; // how long a message is seen, of the viewer's time
const MOST_FLYING = 14;

const path = (points) => `M${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}`;

export class Topology {
  constructor(element) {
    this.element = element;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.drawn = null;
  }

  /** Show a state at a time. */
  draw(history, state, time, speed) {
    const width = Math.floor(this.element.parentElement.clientWidth);
    if (this.run !== history.run || this.width !== width) this.begin(history.run, width);
    const place = `${history.current.place} ${history.events.length}`;
    if (this.drawn !== place) {
      this.drawn = place;
      this.drawState(state);
    }
    this.drawMessages(state, time, speed);
  }

  begin(run, width) {
    Object.assign(this, { run, width, drawn: null, height: 0, layout: new Layout(run, width) });
    this.channels = channels(run);
    const links = svg("g", { class: "links" });
    this.layers = Object.fromEntries(["tunnels", "trees", "access", "trails", "boxes", "mobile", "labels", "messages"]
      .map((name) => [name, svg("g", { class: name })]));
    this.element.replaceChildren(links, ...Object.values(this.layers));
    const { boxes, bus, size } = this.layout;
    if (bus) {
      const { x, y } = boxes[bus];
      links.append(svg("line", { x1: x, y1: y, x2: size - 12, y2: y, class: "bus" }));
    }
    for (const { a, b } of run.links) {
      if (!boxes[a] || !boxes[b]) continue;
      links.append(svg("path", { d: path(this.layout.line(boxes[a], boxes[b])), class: "link" }));
    }
    this.boxes = {};
    for (const [name, box] of Object.entries(boxes)) {
      this.boxes[name] = this.box(name, box);
      this.layers.boxes.append(this.boxes[name].group);
    }
    for (const name of this.layout.mobile) {
      this.boxes[name] = this.box(name, { x: 0, y: 0, w: boxWidth(name), h: 30, row: "mn" });
      this.layers.mobile.append(this.boxes[name].group);
    }
  }

  box(name, { x, y, w, h, row }) {
    const frame = svg("rect", { x: -w / 2, y: -h / 2, width: w, height: h, rx: row === "mn" ? h / 2 : 5 });
    const anchor = this.layout.anchors.has(name);
    const note = svg("text", { y: 13, class: "note" });
    const group = svg("g", { class: `node ${this.layout.roles[name]}`, "data-node": name }, frame,
      svg("text", { y: anchor ? -3 : 4 }, name), anchor ? note : null);
    group.style.transform = `translate(${x}px, ${y}px)`;
    return { group, note, wide: w };
  }

  drawState(state) {
    const { boxes, height } = this.layout.mobileBoxes(state.places);
    this.at = { ...this.layout.boxes, ...boxes };
    this.height = Math.max(this.height, height);
    this.element.setAttribute("viewBox", `0 0 ${this.layout.size} ${this.height}`);
    this.element.setAttribute("width", this.layout.size);
    this.element.setAttribute("height", this.height);
    for (const layer of ["tunnels", "trees", "access", "labels"]) this.layers[layer].replaceChildren();
    for (const [name, box] of Object.entries(boxes)) this.drawMobile(name, box, state.places[name]);
    this.taken = Object.values(this.at).map(({ x, y, w, h }) => ({ x, y: y + 4, w, h: h + 6 }));
    for (const pair of pairs(state)) this.drawTunnel(pair);
    this.channels.forEach((channel, at) => this.drawTree(treeEdges(state, this.layout, channel), at));
    this.drawTree(i3Edges(state), 1);
    for (const name of Object.keys(this.layout.boxes)) {
      const { group, note, wide } = this.boxes[name];
      group.classList.toggle("down", name in state.down);
      const flows = anchored(state, name, this.run);
      const words = flows.length ? `⚓ ${flows.join(", ")}` : "";
      const most = Math.floor((wide - 8) / 6.1);
      note.textContent = words.length > most ? `${words.slice(0, most - 1)}…` : words;
    }
  }

  drawMobile(name, box, place) {
    const { group } = this.boxes[name];
    group.style.transform = `translate(${box.x}px, ${box.y}px)`;
    group.classList.toggle("away", !place?.up);
    group.dataset.at = place?.up ? place.mar : "";
    if (!place?.up || !this.at[place.mar]) return;
    const mar = this.at[place.mar];
    this.layers.access.append(svg("path", { d: path([[mar.x, mar.y + mar.h / 2], [box.x, box.y - box.h / 2]]) }));
  }

  drawTunnel({ ends: [one, other], unicast, multicast, words }) {
    if (!this.at[one] || !this.at[other]) return;
    const { from, by, to, label } = this.layout.curve(this.at[one], this.at[other]);
    const d = `M${from}Q${by} ${to}`;
    const { tunnels, labels } = this.layers;
    tunnels.append(svg("path", { d, class: "pipe" }), svg("path", { d, class: "bore" }));
    if (unicast) tunnels.append(svg("path", { d, class: "unicast" }));
    if (multicast) tunnels.append(svg("path", { d, class: "multicast" }));
    labels.append(this.label(this.taken, words, label[0], label[1] + 4));
  }

  drawTree(edges, number) {
    for (const { from, to, tunnel } of edges) {
      const [one, other] = [this.at[from], this.at[to]];
      if (!one || !other) continue;
      let d = path(this.layout.line(one, other));
      if (tunnel || one.y === other.y) {
        const curve = this.layout.way(one, other, tunnel);
        d = `M${curve.from}Q${curve.by} ${curve.to}`;
      }
      this.layers.trees.append(svg("path", { d, class: `tree c${number % 4}` }));
    }
  }

  /** Messages on their way: where they are depends on the time alone, so that a pause holds them. */
  drawMessages(state, time, speed) {
    const flight = FLIGHT_MS * 1e6 * speed;
    const passing = [];
    for (let at = state.messages.length - 1; at >= 0 && passing.length < MOST_FLYING; at -= 1) {
      const message = state.messages[at];
      if (message.at < time - 5 * flight) break;
      if (message.at < time - flight) continue;
      const ends = message.to ? [message.to] : this.ends(state, message);
      for (const to of ends) {
        const key = `${message.name} ${message.from} ${to}`;
        if (this.at[to] && this.at[message.from] && !passing.some((one) => one.key === key)) {
          const way = this.layout.way(this.at[message.from], this.at[to], message.link?.startsWith("tun-"));
          passing.push({ key, name: message.name, way, part: (time - message.at) / flight });
        }
      }
    }
    const taken = [...this.taken];
    const drawn = passing.map((one) => this.message(one, taken));
    this.layers.trails.replaceChildren(...drawn.map(({ trail }) => trail));
    this.layers.messages.replaceChildren(...drawn.flatMap(({ head, words }) => [head, words]));
  }

  ends(state, { from, link }) {
    const peer = this.layout.peerOf(from, link);
    if (peer) return [peer];
    return this.layout.mobile.filter((name) => state.places[name]?.up && state.places[name].mar === from);
  }

  /** Words at a place, or a little above or below it where they would hide others. */
  label(taken, words, x, y) {
    const [w, h] = [words.length * 6.4, 12];
    const free = (line) => !taken.some((one) => Math.abs(one.y - line) < (one.h + h) / 2 && Math.abs(one.x - x) < (one.w + w) / 2);
    const line = [0, 13, -13, 26, -26, 39, -39].map((by) => y + by).find(free) ?? y;
    taken.push({ x, y: line, w, h });
    return svg("text", { x, y: line }, words);
  }

  message({ name, way: { from, by, to }, part }, taken) {
    const along = this.still.matches ? 0.5 : 0.12 + 0.76 * part;
    const mix = (a, b) => [0, 1].map((axis) => a[axis] + (b[axis] - a[axis]) * along);
    const [before, after] = [mix(from, by), mix(by, to)];
    const [x, y] = mix(before, after);
    const turned = (Math.atan2(after[1] - before[1], after[0] - before[0]) * 180) / Math.PI;
    const trail = svg("path", { d: this.still.matches ? `M${from}Q${by} ${to}` : `M${from}Q${before} ${x},${y}`, class: "trail" });
    const head = svg("path", { d: "M7,0L-5,-5L-5,5Z", transform: `translate(${x},${y}) rotate(${turned})` });
    return { trail, head, words: this.label(taken, name, x, y - 9) };
  }
}
