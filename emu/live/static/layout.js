// Where everything stands in the drawing: nodes in rows by role, mobile nodes below their access router.

const BOX = 30;
const ANCHOR_BOX = 42;
const BUS_ROLE = "ix";
const ROWS = [
  ["ends", ["source", "server"]],
  ["root", []],
  ["core", []], // whoever has no row of its own
  ["bus", [BUS_ROLE]],
  ["mar", ["mar"]],
];
const MOBILE_PITCH = 38;
const LETTER = 7.4;
const GAP = 10;
const EDGE = 8;

export const boxWidth = (name) => Math.max(40, 16 + LETTER * name.length);

export class Layout {
  constructor(run, width) {
    const roles = Object.entries(run.nodes).map(([name, node]) => [name, node.role]);
    this.roles = Object.fromEntries(roles);
    this.mobile = roles.filter(([, role]) => role === "mn").map(([name]) => name);
    const fixed = roles.filter(([, role]) => !["mn", "radio"].includes(role));
    this.anchors = new Set(roles.map(([name]) => name).filter((name) => run.nodes[name].pool));
    const rows = this.rowsOf(fixed);
    const widest = rows.filter(([row]) => row !== "bus").map(([row, names]) =>
      names.length * (Math.max(...names.map((name) => this.width(name))) + GAP) + 2 * EDGE);
    this.size = Math.max(width, ...widest);
    this.boxes = {};
    let y = 4;
    for (const [row, names] of rows) {
      const tall = names.some((name) => this.anchors.has(name)) ? ANCHOR_BOX : BOX;
      names.forEach((name, at) => {
        const x = row === "bus" ? EDGE + boxWidth(name) / 2
          : EDGE + ((this.size - 2 * EDGE) * (at + 0.5)) / names.length;
        const h = this.anchors.has(name) ? ANCHOR_BOX : BOX;
        this.boxes[name] = { x, y: y + tall / 2, w: this.width(name), h, row };
      });
      y += tall + (row === "mar" ? 64 : 34);
    }
    this.below = y;
    this.mars = rows.find(([row]) => row === "mar")?.[1] ?? [];
    this.bus = rows.find(([row]) => row === "bus")?.[1][0] ?? null;
    this.core = Object.fromEntries(run.links.flatMap(({ a, b }) => [[a, b], [b, a]])
      .filter(([one, other]) => this.roles[one] === "mar" && this.roles[other] === "mr"));
    const column = (this.size - 2 * EDGE) / Math.max(1, this.mars.length);
    this.pitch = Math.max(0, ...this.mobile.map(boxWidth)) + GAP;
    this.across = Math.max(1, Math.floor(column / this.pitch));
  }

  rowsOf(fixed) {
    const known = new Map(ROWS.flatMap(([row, names]) => names.map((role) => [role, row])));
    const rows = new Map(ROWS.map(([row]) => [row, []]));
    const byName = [...fixed].sort(([a], [b]) => a.length - b.length || a.localeCompare(b));
    const root = byName.find(([, role]) => role === "mr")?.[0];
    for (const [name, role] of byName) {
      rows.get(name === root ? "root" : known.get(role) ?? "core").push(name);
    }
    return [...rows].filter(([, names]) => names.length);
  }

  width(name) {
    return this.anchors.has(name) ? Math.max(92, boxWidth(name)) : boxWidth(name);
  }

  /** Where each mobile node stands, and how tall the drawing is. */
  mobileBoxes(places) {
    const boxes = {};
    const there = new Map(this.mars.map((mar) => [mar, []]));
    for (const name of this.mobile) {
      (there.get(places[name]?.mar) ?? there.get(this.mars[0]) ?? []).push(name);
    }
    let rows = 0;
    for (const [mar, names] of there) {
      names.forEach((name, at) => {
        const row = Math.floor(at / this.across);
        const inRow = Math.min(this.across, names.length - row * this.across);
        const x = this.boxes[mar].x + ((at % this.across) - (inRow - 1) / 2) * this.pitch;
        boxes[name] = { x, y: this.below + BOX / 2 + row * MOBILE_PITCH, w: boxWidth(name), h: BOX, row: "mn" };
        rows = Math.max(rows, row + 1);
      });
    }
    return { boxes, height: this.below + Math.max(1, rows) * MOBILE_PITCH + 4 };
  }

  /** The node at the other end of an interface by its name, such as mar1-core or tun-mar2; null: none, or several. */
  peerOf(node, link) {
    if (link.startsWith("tun-")) return link.slice(4) in this.roles ? link.slice(4) : null;
    const end = link.slice(node.length + 1);
    if (end === "core") return this.core[node] ?? null;
    return end !== "radio" && end in this.roles ? end : null;
  }

  /** The line between two nodes: to the exchange, which is drawn as a bus, straight up. */
  line(one, other) {
    if (one.row === "bus" || other.row === "bus") {
      const [bus, end] = one.row === "bus" ? [one, other] : [other, one];
      const x = end.x + 16;
      const points = [[x, end.y], [x, bus.y]];
      return one === bus ? points.reverse() : points;
    }
    return [[one.x, one.y], [other.x, other.y]];
  }

  /** The way of a message: along a tunnel, above the routers of one row, or straight. */
  way(one, other, tunnel) {
    if (tunnel) return this.curve(one, other);
    const level = one.y === other.y;
    const by = [(one.x + other.x) / 2, (one.y + other.y) / 2 - (level ? 60 : 0)];
    return { from: [one.x, one.y], by, to: [other.x, other.y] };
  }

  /** The curve of a tunnel: below the routers of a row, bent a little between others. */
  curve(one, other) {
    const middle = (one.x + other.x) / 2;
    if (one.row === "mar" && other.row === "mar") {
      const far = Math.abs(one.x - other.x) / ((this.size - 2 * EDGE) / this.mars.length);
      const y = one.y + ANCHOR_BOX / 2;
      const inward = Math.sign(other.x - one.x) * 18;
      const deep = y + 14 + 34 * far;
      return { from: [one.x + inward, y - 2], by: [middle, deep], to: [other.x - inward, y - 2],
        label: [middle, (y + deep) / 2] };
    }
    const bend = 14;
    const by = [middle + bend, (one.y + other.y) / 2 - bend];
    return { from: [one.x + 6, one.y], by, to: [other.x + 6, other.y],
      label: [(middle + 6 + by[0]) / 2 + 4, (by[1] + (one.y + other.y) / 2) / 2] };
  }
}
