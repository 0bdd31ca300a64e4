// Charts in SVG: lines over one axis, and things across several axes; what they show stands in words as well.

const COLOURS = 8;

// Lines. Options: `label`; `lines`, each { name, points: [[x, y], …] }; `height`; `from`, `to` for bands of reference.
function chart({ label, lines, height = 150, width = 460 }) {
  const kept = lines.map((line) => ({ ...line, points: line.points.filter(([, y]) => typeof y === "number" && Number.isFinite(y)) }));
  const xs = kept.flatMap((line) => line.points.map(([x]) => x));
  const ys = kept.flatMap((line) => line.points.map(([, y]) => y));
  const edge = { left: 52, right: 10, top: 10, bottom: 22 };
  const across_ = scale(xs, edge.left, width - edge.right);
  const up = scale(ys, height - edge.bottom, edge.top);
  const readout = el("span", { class: "nbp-muted" });
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": described(label, kept), class: "nbp-chart" });
  for (const y of ticks(ys)) {
    picture.append(svg("line", { x1: edge.left, x2: width - edge.right, y1: up(y), y2: up(y), class: "nbp-axis" }),
      svg("text", { x: edge.left - 6, y: up(y) + 4, "text-anchor": "end", text: short(y) }));
  }
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  if (xs.length) {
    picture.append(svg("text", { x: edge.left, y: height - 6, text: short(low) }),
      svg("text", { x: width - edge.right, y: height - 6, "text-anchor": "end", text: short(high) }));
  }
  kept.forEach((line, place) => {
    const points = line.points.map(([x, y]) => `${across_(x).toFixed(1)},${up(y).toFixed(1)}`).join(" ");
    if (line.points.length === 1) picture.append(svg("circle", { cx: across_(line.points[0][0]), cy: up(line.points[0][1]), r: 3, class: `nbp-dot nbp-c${place % COLOURS}` }));
    else picture.append(svg("polyline", { points, class: `nbp-curve nbp-c${place % COLOURS}` }));
  });
  const cursor = svg("line", { y1: edge.top, y2: height - edge.bottom, class: "nbp-cursor", visibility: "hidden" });
  picture.append(cursor);
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    const near = kept.map((line) => [line.name, nearest(line.points, x, across_)]).filter(([, point]) => point);
    if (!near.length) return;
    cursor.setAttribute("x1", across_(near[0][1][0]));
    cursor.setAttribute("x2", across_(near[0][1][0]));
    cursor.setAttribute("visibility", "visible");
    readout.textContent = `at ${short(near[0][1][0])}: ` + near.slice(0, 6).map(([name, point]) => kept.length > 1 ? `${name} ${say.number(point[1])}` : say.number(point[1])).join(", ");
  });
  picture.addEventListener("pointerleave", () => { cursor.setAttribute("visibility", "hidden"); readout.textContent = ""; });
  const key = kept.length > 1 ? el("div", { class: "nbp-key" }, kept.slice(0, 24).map((line, place) => el("span", {}, el("span", { class: `nbp-swatch nbp-c${place % COLOURS}`, "aria-hidden": "true" }), line.name))) : null;
  return el("figure", { class: "nbp-figure" }, el("figcaption", {}, el("b", { text: label }), " ", readout), picture, key);
}

// Things across axes, as parallel coordinates. Axes are names; things are { name, values }, one value for each axis.
function across({ label, axes, things, height = 190 }) {
  const step = 120;
  const width = Math.max(step * axes.length, step);
  const [top, bottom] = [34, height - 26];
  const scales = axes.map((_, place) => heights(things.map((thing) => thing.values[place]), bottom, top));
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${label}: ${things.map((thing) => thing.name).join(", ")} across ${axes.join(", ")}`, class: "nbp-chart" });
  axes.forEach((axis, place) => {
    const x = step / 2 + place * step;
    picture.append(svg("line", { x1: x, x2: x, y1: top, y2: bottom, class: "nbp-axis" }),
      svg("text", { x, y: 14, "text-anchor": "middle", class: "nbp-strong", text: clipped(axis, 17) }, svg("title", { text: axis })),
      svg("text", { x, y: 28, "text-anchor": "middle", text: clipped(scales[place].high, 17) }),
      svg("text", { x, y: height - 10, "text-anchor": "middle", text: clipped(scales[place].low, 17) }));
  });
  things.forEach((thing, number) => {
    const points = thing.values.map((value, place) => [step / 2 + place * step, scales[place].at(value)]).filter(([, y]) => y !== null);
    picture.append(svg("polyline", { points: points.map(([x, y]) => `${x},${y.toFixed(1)}`).join(" "), class: `nbp-curve nbp-c${number % COLOURS}` }, svg("title", { text: thing.name })));
    for (const [x, y] of points) picture.append(svg("circle", { cx: x, cy: y, r: 3, class: `nbp-dot nbp-c${number % COLOURS}` }));
  });
  const key = el("div", { class: "nbp-key" }, things.slice(0, 24).map((thing, place) => el("span", {}, el("span", { class: `nbp-swatch nbp-c${place % COLOURS}`, "aria-hidden": "true" }), thing.name)));
  return el("figure", { class: "nbp-figure" }, el("figcaption", {}, el("b", { text: label })), el("div", { class: "nbp-wide", tabindex: "0", role: "group", "aria-label": label }, picture), key);
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

function nearest(points, x, across_) {
  let best = null;
  for (const point of points) if (!best || Math.abs(across_(point[0]) - x) < Math.abs(across_(best[0]) - x)) best = point;
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
