// The graph of a pipeline in SVG: steps in layers, each right of (or, where it is narrow, below) what it waits for. Its
// boxes stay where they are while a run goes on; only what they say changes.

const BOX = { width: 176, height: 50, across: 56, down: 16, edge: 10 };
const URGENT = ["failed", "timed_out", "kernel_died", "cancelled", "running", "waiting", "not_run", "completed", "skipped"];
const SIGNS = { completed: "✓", skipped: "=", running: "▶", failed: "✗", timed_out: "✗", kernel_died: "✗", cancelled: "✗", waiting: "·", not_run: "·" };
const NARROW = 520;

class Flow {
  constructor(context, onOpen) {
    this.context = context;
    this.onOpen = onOpen;
    this.boxes = new Map();
    this.element = context.el("div", { class: "nbp-flow nbp-wide" });
    if (typeof ResizeObserver !== "undefined") new ResizeObserver(() => this.turn()).observe(this.element);
  }

  get upright() { return this.element.clientWidth > 0 && this.element.clientWidth < NARROW; }

  turn() {
    if (this.graph && this.upright !== this.drawn) { this.draw(this.graph); this.say(this.states ?? new Map(), this.running ?? false); }
  }

  draw(graph) {
    const { svg } = this.context;
    this.graph = graph;
    this.drawn = this.upright;
    this.boxes.clear();
    const things = graph.outside.slice(0, 60).map((one) => ({ ...one, name: `\0${one.kind} ${one.ref}`, thing: true }));
    const edges = [...graph.edges, ...things.flatMap((one) => one.to.map((after) => ({ before: one.name, after, names: [one.ref], gate: false, outside: true })))];
    const places = placed([...things, ...graph.steps], edges, this.drawn);
    const [width, height] = extent(places);
    this.picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "nbp-graph", role: "group", "aria-label": `Steps of the pipeline: ${graph.steps.length}. Arrow keys go from one to the next.` });
    for (const edge of edges) this.picture.append(this.arrow(edge, places));
    for (const thing of things) this.picture.append(this.thing(thing, places.get(thing.name)));
    for (const step of graph.steps) this.picture.append(this.box(step, places.get(step.name)));
    this.picture.addEventListener("keydown", (event) => this.key(event));
    this.element.replaceChildren(this.picture);
    this.reach(this.chosen ?? graph.steps[0]?.name);
  }

  arrow(edge, places) {
    const { svg } = this.context;
    const [from, to] = [places.get(edge.before), places.get(edge.after)];
    const [x1, y1, x2, y2] = this.drawn
      ? [from.x + BOX.width / 2, from.y + BOX.height, to.x + BOX.width / 2, to.y]
      : [from.x + BOX.width, from.y + BOX.height / 2, to.x, to.y + BOX.height / 2];
    const half = this.drawn ? (y2 - y1) / 2 : (x2 - x1) / 2;
    const bend = this.drawn ? `${x1},${y1 + half} ${x2},${y2 - half}` : `${x1 + half},${y1} ${x2 - half},${y2}`;
    const names = edge.names.join(", ");
    const path = svg("path", { d: `M${x1},${y1} C${bend} ${x2},${y2}`, class: `nbp-arrow${edge.gate ? " nbp-gate" : ""}${edge.outside ? " nbp-outside" : ""}` });
    const tip = this.drawn ? `M${x2 - 4},${y2 - 7} L${x2},${y2} L${x2 + 4},${y2 - 7}` : `M${x2 - 7},${y2 - 4} L${x2},${y2} L${x2 - 7},${y2 + 4}`;
    return svg("g", { "aria-hidden": "true" }, path, svg("path", { d: tip, class: "nbp-arrow" }), names && svg("title", { text: edge.gate ? `checked: ${names}` : names }));
  }

  thing(thing, { x, y }) {
    const { svg } = this.context;
    return svg("g", { transform: `translate(${x},${y})`, "aria-hidden": "true" },
      svg("rect", { width: BOX.width, height: 26, y: 12, rx: 13, class: "nbp-thing" }),
      svg("text", { x: BOX.width / 2, y: 29, "text-anchor": "middle", text: fitting(thing.ref, 24) }), svg("title", { text: `${thing.kind} ${thing.ref}, from outside` }));
  }

  box(step, { x, y }) {
    const { svg } = this.context;
    const parts = {
      sign: svg("text", { x: 14, y: 20, class: "nbp-sign", "aria-hidden": "true" }),
      state: svg("text", { x: 14, y: 38 }),
      bar: svg("rect", { x: 0, y: BOX.height - 3, height: 3, width: 0, class: "nbp-done" }),
      title: svg("title", {}),
    };
    const group = svg("g", { transform: `translate(${x},${y})`, class: "nbp-step", tabindex: "-1", role: "button", "data-step": step.name },
      svg("rect", { width: BOX.width, height: BOX.height, rx: 4, class: "nbp-box" }), parts.bar, parts.sign,
      svg("text", { x: 30, y: 20, class: "nbp-strong", text: fitting(step.name, 20) }), parts.state, parts.title);
    group.addEventListener("click", () => { this.reach(step.name); this.onOpen(step.name); });
    this.boxes.set(step.name, { group, step, ...parts });
    return group;
  }

  // Say how the steps stand: name of a notebook -> its parts, as `live` gives them. One that has none waits.
  say(states, running) {
    this.states = states;
    this.running = running;
    for (const [name, box] of this.boxes) {
      const parts = states.get(name) ?? [];
      const state = stateOf(parts, running, this.graph.last[name]);
      const words = parts.length ? wordsOf(parts, this.context.say) : state.replaceAll("_", " ");
      const done = state === "running" ? shareOf(parts) : 0;
      if (box.said === `${state}|${words}|${done}`) continue;
      box.said = `${state}|${words}|${done}`;
      box.group.setAttribute("class", `nbp-step nbp-at-${state || "unknown"}`);
      box.group.setAttribute("aria-label", `${name}: ${words || "not run yet"}`);
      box.sign.textContent = SIGNS[state] ?? "";
      box.state.textContent = fitting(words, 27);
      box.title.textContent = `${name}: ${words || "not run yet"}`;
      box.bar.setAttribute("width", String(BOX.width * done));
    }
    this.mark();
  }

  reach(name) {
    if (!this.boxes.has(name)) return;
    this.chosen = name;
    this.mark();
  }

  mark() {
    for (const [name, { group }] of this.boxes) {
      group.classList.toggle("nbp-chosen", name === this.chosen);
      group.setAttribute("tabindex", name === this.chosen ? "0" : "-1");
    }
  }

  key(event) {
    const names = this.graph.steps.map((step) => step.name);
    const at = names.indexOf(this.chosen);
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -names.length, End: names.length };
    if (event.key === "Enter" || event.key === " ") this.onOpen(this.chosen);
    else if (event.key in steps) {
      this.reach(names[Math.max(0, Math.min(names.length - 1, at + steps[event.key]))]);
      this.boxes.get(this.chosen).group.focus();
    } else return;
    event.preventDefault();
  }
}

// The state of a notebook: of one that runs for several values, what is most to be looked at.
function stateOf(parts, running, last) {
  if (!parts.length) return running === null ? last ?? "" : running ? "waiting" : last ?? "not_run";
  return parts.map((part) => part.state).sort((one, other) => URGENT.indexOf(one) - URGENT.indexOf(other))[0];
}

function wordsOf(parts, say) {
  if (parts.length > 1) {
    const counts = new Map();
    for (const part of parts) counts.set(part.state, (counts.get(part.state) ?? 0) + 1);
    const told = [...counts].sort(([one], [other]) => URGENT.indexOf(one) - URGENT.indexOf(other)).map(([state, count]) => `${count.toLocaleString("en")} ${state.replaceAll("_", " ")}`);
    return `${parts.length.toLocaleString("en")} parts: ${told.join(", ")}`;
  }
  const [part] = parts;
  if (part.state !== "running") return [part.state.replaceAll("_", " "), part.state === "skipped" ? "" : say.duration(part.seconds)].filter(Boolean).join(" in ").replace(/^(failed|cancelled|timed out|kernel died) in/, "$1 after");
  const usual = part.expected ? ` of ~${say.duration(part.expected)}` : "";
  return `${part.cell ? `cell ${part.cell}, ` : ""}${say.duration(part.seconds)}${usual}`;
}

// How much of it is done: by its cells where they are known, by the time that it usually takes where not.
function shareOf(parts) {
  const shares = parts.map((part) => {
    if (part.state !== "running") return 1;
    if (part.expected) return Math.min(0.97, part.seconds / part.expected);
    return part.cells ? part.done / part.cells : 0;
  });
  return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
}

// Where boxes stand: a layer after all that a step waits for, and within it near these.
function placed(things, edges, upright) {
  const before = new Map(things.map((one) => [one.name, []]));
  for (const edge of edges) before.get(edge.after)?.push(edge.before);
  const layers = new Map();
  const layerOf = (name) => {
    if (!layers.has(name)) { layers.set(name, 0); layers.set(name, 1 + Math.max(-1, ...before.get(name).filter((one) => before.has(one)).map(layerOf))); }
    return layers.get(name);
  };
  things.filter((one) => !one.thing).forEach((one) => layerOf(one.name));
  // What comes from outside stands right before the first that reads it.
  for (const one of things.filter((each) => each.thing)) layers.set(one.name, Math.max(0, Math.min(...one.to.map((name) => layers.get(name) ?? 1)) - 1));
  const columns = [];
  for (const one of things) (columns[layers.get(one.name)] ??= []).push(one.name);
  const order = new Map();
  const places = new Map();
  columns.forEach((names, layer) => {
    const middle = (name) => { const above = before.get(name).filter((one) => order.has(one)).map((one) => order.get(one)); return above.length ? above.reduce((sum, one) => sum + one, 0) / above.length : Infinity; };
    const ranked = names.map((name, place) => [name, middle(name), place]).sort((one, other) => (one[1] === other[1] ? one[2] - other[2] : one[1] - other[1]));
    ranked.forEach(([name], place) => {
      order.set(name, place);
      const along = BOX.edge + layer * (upright ? BOX.height + 34 : BOX.width + BOX.across);
      const across = BOX.edge + place * (upright ? BOX.width + BOX.down : BOX.height + BOX.down);
      places.set(name, upright ? { x: across, y: along } : { x: along, y: across });
    });
  });
  return places;
}

function extent(places) {
  const all = [...places.values()];
  return [Math.max(0, ...all.map((place) => place.x)) + BOX.width + BOX.edge, Math.max(0, ...all.map((place) => place.y)) + BOX.height + BOX.edge];
}

function fitting(text, most) { return text.length > most ? `${text.slice(0, most - 1)}…` : text; }
