// Charts in SVG: lines over one axis, and things across several axes; what they show stands in words as well.

const COLOURS = 8;

// Lines. Options: `label`; `lines`, each { name, points: [[x, y], …] }; `height`; `bands`, each { from, to, label } of y;
// `at`, which writes an x.
function chart({ label, lines, height = 150, bands = [], at = short }) {
  const kept = lines.map((line) => ({ ...line, points: line.points.filter(([, y]) => typeof y === "number" && Number.isFinite(y)) }));
  const readout = el("span", { class: "nbp-muted" });
  const place = el("div", { class: "nbp-plot" });
  const key = kept.length > 1 ? keyOf(kept.map((line) => line.name)) : null;
  const figure = el("figure", { class: "nbp-figure" }, el("figcaption", {}, el("b", { text: label }), " ", readout), place, key);
  sized(place, (width) => place.replaceChildren(drawn({ label, kept, height, bands, width, readout, at })));
  return figure;
}

// Call back with the width of an element, when it is first there and when it has become another.
function sized(element, draw) {
  let last = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.round(entry.contentRect.width);
    if (width < 40 || Math.abs(width - last) < 4) return;
    last = width;
    draw(width);
  }).observe(element);
}

function drawn({ label, kept, height, bands, width, readout, at }) {
  const xs = kept.flatMap((line) => line.points.map(([x]) => x));
  const ys = [...kept.flatMap((line) => line.points.map(([, y]) => y)), ...bands.flatMap((band) => [band.from, band.to])].filter(Number.isFinite);
  const edge = { left: 54, right: 10, top: 10, bottom: 22 };
  const over = scale(xs, edge.left, width - edge.right);
  const up = scale(ys, height - edge.bottom, edge.top);
  const picture = svg("svg", { width, height, role: "img", "aria-label": described(label, kept), class: "nbp-chart" });
  for (const band of bands) {
    const [low, high] = [up(band.from), up(band.to)];
    picture.append(svg("rect", { x: edge.left, width: Math.max(0, width - edge.left - edge.right), y: Math.min(low, high), height: Math.abs(low - high), class: "nbp-band" }, svg("title", { text: band.label ?? "reference" })));
  }
  for (const y of ticks(ys)) {
    picture.append(svg("line", { x1: edge.left, x2: width - edge.right, y1: up(y), y2: up(y), class: "nbp-axis" }),
      svg("text", { x: edge.left - 6, y: up(y) + 4, "text-anchor": "end", text: short(y) }));
  }
  if (xs.length) {
    const ends = xs.reduce(([low, high], x) => [x < low ? x : low, x > high ? x : high], [xs[0], xs[0]]);
    picture.append(svg("text", { x: edge.left, y: height - 6, text: at(ends[0]) }));
    if (ends[1] !== ends[0]) picture.append(svg("text", { x: width - edge.right, y: height - 6, "text-anchor": "end", text: at(ends[1]) }));
  }
  kept.forEach((line, place) => {
    const colour = `nbp-c${place % COLOURS}`;
    if (line.points.length === 1) picture.append(svg("circle", { cx: over(line.points[0][0]), cy: up(line.points[0][1]), r: 3, class: `nbp-dot ${colour}` }));
    else picture.append(svg("polyline", { points: line.points.map(([x, y]) => `${over(x).toFixed(1)},${up(y).toFixed(1)}`).join(" "), class: `nbp-curve ${colour}` }));
  });
  const cursor = svg("line", { y1: edge.top, y2: height - edge.bottom, class: "nbp-cursor", visibility: "hidden" });
  picture.append(cursor);
  picture.addEventListener("pointermove", (event) => {
    const x = event.clientX - picture.getBoundingClientRect().left;
    const near = kept.map((line) => [line.name, nearest(line.points, x, over)]).filter(([, point]) => point);
    if (!near.length) return;
    const here = near[0][1][0];
    cursor.setAttribute("x1", over(here));
    cursor.setAttribute("x2", over(here));
    cursor.setAttribute("visibility", "visible");
    readout.textContent = `at ${at(here)}: ${near.slice(0, 6).map(([name, point]) => (kept.length > 1 ? `${name} ` : "") + say.number(point[1])).join(", ")}`;
  });
  picture.addEventListener("pointerleave", () => { cursor.setAttribute("visibility", "hidden"); readout.textContent = ""; });
  return picture;
}

function keyOf(names) {
  const shown = names.slice(0, 24).map((name, place) => el("span", {}, el("span", { class: `nbp-swatch nbp-c${place % COLOURS}`, "aria-hidden": "true" }), name));
  return el("div", { class: "nbp-key" }, shown, names.length > 24 && el("span", { class: "nbp-muted", text: `and ${names.length - 24} more` }));
}

// Things across axes, as parallel coordinates. Axes are names; things are { name, values }, one value for each axis.
function across({ label, axes, things, height = 190 }) {
  const key = keyOf(things.map((thing) => thing.name));
  // As high as what will be drawn: what grows when it is measured would have to be measured again.
  const view = el("div", { class: "nbp-wide", tabindex: "0", role: "group", "aria-label": label, style: { "min-height": `${height}px` } });
  sized(view, (room) => view.replaceChildren(axed({ label, axes, things, height, room })));
  return el("figure", { class: "nbp-figure" }, el("figcaption", {}, el("b", { text: label })), view, key);
}

// The axes share the room where their names can still be read; where not, the picture is wider than its place.
function axed({ label, axes, things, height, room }) {
  const even = room / axes.length;
  const step = even < 84 ? 120 : Math.min(even, 180);
  const letters = Math.floor(step / 6.8);
  const width = step * axes.length;
  const [top, bottom] = [34, height - 26];
  const scales = axes.map((_, place) => heights(things.map((thing) => thing.values[place]), bottom, top));
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${label}: ${things.map((thing) => thing.name).join(", ")} across ${axes.join(", ")}`, class: "nbp-chart" });
  axes.forEach((axis, place) => {
    const x = step / 2 + place * step;
    picture.append(svg("line", { x1: x, x2: x, y1: top, y2: bottom, class: "nbp-axis" }),
      svg("text", { x, y: 14, "text-anchor": "middle", class: "nbp-strong", text: clipped(axis, letters) }, svg("title", { text: axis })),
      svg("text", { x, y: 28, "text-anchor": "middle", text: clipped(scales[place].high, letters) }),
      svg("text", { x, y: height - 10, "text-anchor": "middle", text: clipped(scales[place].low, letters) }));
  });
  things.forEach((thing, number) => {
    const points = thing.values.map((value, place) => [step / 2 + place * step, scales[place].at(value)]).filter(([, y]) => y !== null);
    picture.append(svg("polyline", { points: points.map(([x, y]) => `${x},${y.toFixed(1)}`).join(" "), class: `nbp-curve nbp-c${number % COLOURS}` }, svg("title", { text: thing.name })));
    for (const [x, y] of points) picture.append(svg("circle", { cx: x, cy: y, r: 3, class: `nbp-dot nbp-c${number % COLOURS}` }));
  });
  return picture;
}

function heights(values, bottom, top) {
  const there = values.filter((value) => value !== null && value !== undefined);
  if (there.every((value) => typeof value === "number" && Number.isFinite(value))) {
    const up = scale(there, bottom, top);
    return { at: (value) => typeof value === "number" ? up(value) : null, low: there.length ? short(Math.min(...there)) : "", high: there.length ? short(Math.max(...there)) : "" };
  }
  const names = [...new Set(there.map((value) => say.value(value)))].sort();
  const up = scale([0, names.length - 1], bottom, top);
  return { at: (value) => value === null || value === undefined ? null : up(names.indexOf(say.value(value))), low: names[0] ?? "", high: names.at(-1) ?? "" };
}

function scale(values, start, end) {
  const low = values.reduce((one, other) => Math.min(one, other), Infinity);
  const high = values.reduce((one, other) => Math.max(one, other), -Infinity);
  if (!(high > low)) return () => (start + end) / 2;
  return (value) => start + (end - start) * ((value - low) / (high - low));
}

function ticks(values) {
  if (!values.length) return [];
  const low = values.reduce((one, other) => Math.min(one, other), Infinity);
  const high = values.reduce((one, other) => Math.max(one, other), -Infinity);
  return high > low ? [low, (low + high) / 2, high] : [low];
}

function nearest(points, x, over) {
  let best = null;
  for (const point of points) if (!best || Math.abs(over(point[0]) - x) < Math.abs(over(best[0]) - x)) best = point;
  return best;
}

function short(value) {
  if (typeof value !== "number") return String(value);
  return Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}

function clipped(text, most) {
  const written = String(text);
  return written.length > most ? `${written.slice(0, most - 1)}…` : written;
}

function described(label, lines) {
  const told = lines.slice(0, 6).map((line) => line.points.length
    ? `${line.name} from ${say.number(line.points[0][1])} to ${say.number(line.points.at(-1)[1])}` : `${line.name} without a number`);
  return `${label}: ${told.join("; ")}`;
}
