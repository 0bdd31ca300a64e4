// The graph of a pipeline in SVG: steps in layers, each right of (or, where it is narrow, below) what it waits for. Its
// boxes stay where they are while a run goes on; only what they say changes.

const LYING = { width: 168, height: 50, between: 46, beside: 16, upright: false, letters: 26 };
const UPRIGHT = { width: 138, height: 50, between: 30, beside: 10, upright: true, letters: 21 };
const EDGE = 10;
const BEND = 10;
const BENDS = 600;
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

  get wanted() { return this.element.clientWidth > 0 && this.element.clientWidth < NARROW ? UPRIGHT : LYING; }

  turn() {
    if (this.graph && this.wanted !== this.form) { this.draw(this.graph); this.say(this.states ?? new Map(), this.running ?? false); }
  }

  draw(graph) {
    const { svg } = this.context;
    this.graph = graph;
    this.form = this.wanted;
    this.boxes.clear();
    const things = graph.outside.slice(0, 60).map((one) => ({ ...one, name: `\0${one.kind} ${one.ref}`, thing: true }));
    const edges = [...graph.edges, ...things.flatMap((one) => one.to.map((after) => ({ before: one.name, after, names: [one.ref], gate: false, outside: true })))];
    const { places, bends, width, height } = placed([...things, ...graph.steps], edges, this.form);
    this.places = places;
    this.picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "nbp-graph", role: "group", "aria-label": `Steps of the pipeline: ${graph.steps.length}. Arrow keys go from one to the next.` });
    edges.forEach((edge, place) => this.picture.append(this.arrow(edge, places, bends.get(place) ?? [])));
    for (const thing of things) this.picture.append(this.thing(thing, places.get(thing.name)));
    for (const step of graph.steps) this.picture.append(this.box(step, places.get(step.name)));
    this.picture.addEventListener("keydown", (event) => this.key(event));
    this.element.replaceChildren(this.picture);
    this.reach(this.chosen ?? graph.steps[0]?.name);
  }

  arrow(edge, places, bends) {
    const { svg } = this.context;
    const { width, height, upright } = this.form;
    const [from, to] = [places.get(edge.before), places.get(edge.after)];
    const start = upright ? [from.x + width / 2, from.y + height] : [from.x + width, from.y + height / 2];
    const [x, y] = upright ? [to.x + width / 2, to.y] : [to.x, to.y + height / 2];
    const names = edge.names.join(", ");
    const path = svg("path", { d: curve([start, ...bends, [x, y]], upright), class: `nbp-arrow${edge.gate ? " nbp-gate" : ""}${edge.outside ? " nbp-outside" : ""}` });
    const tip = upright ? `M${x - 4},${y - 7} L${x},${y} L${x + 4},${y - 7}` : `M${x - 7},${y - 4} L${x},${y} L${x - 7},${y + 4}`;
    return svg("g", { "aria-hidden": "true" }, path, svg("path", { d: tip, class: "nbp-arrow" }), names && svg("title", { text: edge.gate ? `checked: ${names}` : names }));
  }

  thing(thing, { x, y }) {
    const { svg } = this.context;
    const { width, letters } = this.form;
    return svg("g", { transform: `translate(${x},${y})`, "aria-hidden": "true" },
      svg("rect", { width, height: 26, y: 12, rx: 13, class: "nbp-thing" }),
      svg("text", { x: width / 2, y: 29, "text-anchor": "middle", text: fitting(thing.ref, letters - 2) }), svg("title", { text: `${thing.kind} ${thing.ref}, from outside` }));
  }

  box(step, { x, y }) {
    const { svg } = this.context;
    const { width, height, letters } = this.form;
    const parts = {
      sign: svg("text", { x: 14, y: 20, class: "nbp-sign", "aria-hidden": "true" }),
      state: svg("text", { x: 14, y: 38 }),
      bar: svg("rect", { x: 0, y: height - 3, height: 3, width: 0, class: "nbp-done" }),
      title: svg("title", {}),
    };
    const group = svg("g", { transform: `translate(${x},${y})`, class: "nbp-step", tabindex: "-1", role: "button", "data-step": step.name },
      svg("rect", { width, height, rx: 4, class: "nbp-box" }), parts.bar, parts.sign,
      svg("text", { x: 30, y: 20, class: "nbp-strong", text: fitting(step.name, letters - 7) }), parts.state, parts.title);
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
      box.state.textContent = fitting(words, this.form.letters);
      box.title.textContent = `${name}: ${words || "not run yet"}`;
      box.bar.setAttribute("width", String(this.form.width * done));
    }
    this.mark();
  }

  reach(name) {
    if (!this.boxes.has(name)) return;
    this.chosen = name;
    this.mark();
    // Only the graph's own box is scrolled, and not the page that it stands in.
    const { form, element } = this;
    const place = this.places.get(name);
    const keep = (at, size, from, room) => (at < from ? at - EDGE : at + size > from + room ? at + size + EDGE - room : from);
    element.scrollLeft = keep(place.x, form.width, element.scrollLeft, element.clientWidth);
    element.scrollTop = keep(place.y, form.height, element.scrollTop, element.clientHeight);
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

// Where boxes stand, and where the lines bend that pass layers: a layer after all that a step waits for, near these.
function placed(things, edges, form) {
  const before = new Map(things.map((one) => [one.name, []]));
  for (const edge of edges) before.get(edge.after)?.push(edge.before);
  const layers = layered(things, before);
  const columns = [];
  for (const one of things) (columns[layers.get(one.name)] ??= []).push({ key: one.name, from: before.get(one.name), size: form.upright ? form.width : form.height });
  const long = edges.map((edge, place) => ({ place, edge, first: layers.get(edge.before) + 1, last: layers.get(edge.after) - 1 })).filter((one) => one.last >= one.first);
  const bending = long.reduce((sum, one) => sum + one.last - one.first + 1, 0) <= BENDS ? long : [];
  for (const { place, edge, first, last } of bending) {
    for (let layer = first; layer <= last; layer += 1) columns[layer].push({ key: `${place}|${layer}`, bend: place, from: [layer === first ? edge.before : `${place}|${layer - 1}`], size: BEND });
    const target = columns[last + 1].find((one) => one.key === edge.after);
    target.from = target.from.map((name) => (name === edge.before ? `${place}|${last}` : name));
  }
  return spread(columns, form);
}

function layered(things, before) {
  const layers = new Map();
  const layerOf = (name) => {
    if (!layers.has(name)) layers.set(name, 1 + Math.max(-1, ...before.get(name).map(layerOf)));
    return layers.get(name);
  };
  things.filter((one) => !one.thing).forEach((one) => layerOf(one.name));
  // What comes from outside stands right before the first that reads it.
  for (const one of things.filter((each) => each.thing)) layers.set(one.name, Math.max(0, Math.min(...one.to.map((name) => layers.get(name) ?? 1)) - 1));
  return layers;
}

// Along one axis layer by layer; along the other each as near as there is room to the middle of what it comes from.
function spread(columns, form) {
  const middles = new Map();
  const [places, bends] = [new Map(), new Map()];
  let reach = 0;
  columns.forEach((items, layer) => {
    const ranked = items.map((item, place) => {
      const above = item.from.filter((key) => middles.has(key)).map((key) => middles.get(key));
      return { item, place, near: above.length ? above.reduce((sum, one) => sum + one, 0) / above.length : null };
    }).sort((one, other) => (one.near ?? Infinity) - (other.near ?? Infinity) || one.place - other.place);
    const along = EDGE + layer * ((form.upright ? form.height : form.width) + form.between);
    let free = EDGE;
    for (const { item, near } of ranked) {
      const across = Math.max(free, near === null ? free : near - item.size / 2);
      free = across + item.size + form.beside;
      middles.set(item.key, across + item.size / 2);
      const at = form.upright ? [across, along] : [along, across];
      if (item.bend === undefined) places.set(item.key, { x: at[0], y: at[1] });
      else bends.set(item.bend, [...(bends.get(item.bend) ?? []), ...through(across + item.size / 2, along, form)]);
    }
    reach = Math.max(reach, free - form.beside);
  });
  const length = EDGE + columns.length * ((form.upright ? form.height : form.width) + form.between) - form.between + EDGE;
  const [width, height] = form.upright ? [reach + EDGE, length] : [length, reach + EDGE];
  return { places, bends, width: Math.max(width, 0), height: Math.max(height, 0) };
}

// A line goes straight past the boxes of a layer.
function through(middle, along, form) {
  const end = along + (form.upright ? form.height : form.width);
  return form.upright ? [[middle, along], [middle, end]] : [[along, middle], [end, middle]];
}

function curve(points, upright) {
  const [[x, y], ...rest] = points;
  let [before, path] = [[x, y], `M${x},${y}`];
  for (const [x2, y2] of rest) {
    const [x1, y1] = before;
    path += upright ? ` C${x1},${(y1 + y2) / 2} ${x2},${(y1 + y2) / 2} ${x2},${y2}` : ` C${(x1 + x2) / 2},${y1} ${(x1 + x2) / 2},${y2} ${x2},${y2}`;
    before = [x2, y2];
  }
  return path;
}

function fitting(text, most) { return text.length > most ? `${text.slice(0, most - 1)}…` : text; }
