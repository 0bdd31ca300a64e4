// Runs beside each other: what differs in what they were given, read and reached, and their code, cell by cell.

function comparedPage(context, found, line) {
  const { el, say } = context;
  const axes = [...found.params, ...found.metrics].slice(0, 24);
  const things = found.runs.map((name, place) => ({ name, values: axes.map((axis) => axis.values[place]) }));
  const curves = Object.entries(found.curves).slice(0, 24).map(([name, lines]) => context.chart({
    label: name, lines: lines.map((points, place) => ({ name: found.runs[place], points })).filter((one) => one.points.length) }));
  return [
    context.lineOf(line),
    ...besides(context, found, "Params that differ", found.params, say.value), ...besides(context, found, "Metrics", found.metrics, say.number),
    axes.length > 1 && context.across({ label: "Across params and metrics", axes: axes.map((axis) => axis.name), things }),
    ...curves,
    ...besides(context, found, "Data read", found.inputs, say.value), ...besides(context, found, "Tags that differ", found.tags, say.value),
    ...besides(context, found, "Environment", found.environment, say.value), ...codeOf(context, found),
  ].filter(Boolean);
}

function besides(context, found, title, rows, told) {
  const { el } = context;
  if (!rows.length) return [];
  const head = el("tr", {}, el("th", { scope: "col" }, el("span", { class: "nbp-hidden", text: "name" })), found.runs.map((name) => el("th", { scope: "col", text: name, title: name })));
  const body = rows.slice(0, 200).map((row) => el("tr", {}, el("th", { scope: "row", text: row.name, title: row.name }), row.values.map((value) => el("td", { text: value === null ? "–" : told(value), title: value === null ? "none" : say.value(value) }))));
  const table = el("table", { class: "nbp-plain" }, el("thead", {}, head), el("tbody", {}, body));
  return [el("h3", { text: title }), el("div", { class: "nbp-wide", tabindex: "0", role: "group", "aria-label": title }, table)];
}

function codeOf(context, found) {
  const { el } = context;
  const tone = (text) => ({ "+": "nbp-added", "-": "nbp-removed", "@": "nbp-muted" })[text[0]] ?? "";
  const cells = found.cells.map((cell) => el("details", { open: found.cells.length < 5 }, el("summary", { text: `cell ${cell.position + 1} of ${cell.run}: ${cell.what}` }), el("pre", {}, cell.lines.map((text) => el("span", { class: tone(text), text: `${text}\n` })))));
  return [el("h3", { text: "Code" }), ...(cells.length ? cells : [el("p", { class: "nbp-muted", text: "the same code, as far as cells were recorded" })])];
}
