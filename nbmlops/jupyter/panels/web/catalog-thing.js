// One thing of the catalog: what is known of it, what it holds, where it came from, and what to type.

// A kind by its sign and its name.
function kindOf(noun) {
  return el("span", { class: `nbp-kind nbp-kind-${noun}`, text: noun });
}

async function thingPage(view, told) {
  const { context } = view;
  const { el, facts, say } = context;
  const lines = await Promise.all(actsOf(told).map((act) => context.line(act, { noun: told.noun, ref: told.ref })));
  const metrics = Object.entries(told.metrics ?? {}).map(([name, value]) => [name, say.number(value)]);
  const columns = told.columns?.rows ?? [];
  const more = (told.columns?.total ?? 0) - columns.length;
  const drawn = el("div");
  if (told.versioned) {
    const leads = (box) => box.ref && box.ref !== told.ref;
    drawAsked(context, drawn, () => context.ask("lineage", { ref: told.ref, noun: told.noun }), (graph) => lineagePicture(graph, leads, (box) => view.open(box.ref, box.kind)));
  }
  return [
    actionsOf(context, told),
    told.message && el("p", { class: "nbp-whole" }, folded(told.message)),
    facts([
      ["made", told.at && `${say.when(told.at)}${told.author ? ` by ${told.author}` : ""}`], ...told.facts,
      ["aliases", told.aliases?.length ? chips(told.aliases) : null], ["tags", Object.keys(told.tags ?? {}).length ? chips(Object.entries(told.tags).map(([key, value]) => `${key}=${value}`)) : null],
    ], `Facts of ${told.ref}`),
    ...lines.map((line) => context.lineOf(line)),
    metrics.length > 0 && [el("h3", { text: "Metrics" }), facts(metrics, "Metrics")],
    columns.length > 0 && [el("h3", { text: told.columns.title }), facts(columns.map(([name, type]) => [name, type || " "]), told.columns.title), more > 0 && el("p", { class: "nbp-muted", text: `and ${more.toLocaleString("en")} more` })],
    linksOf(view, told.noun === "report" ? "On" : "Made from", told.inputs),
    linksOf(view, "Made", told.outputs),
    told.versioned && [el("h3", { text: "Lineage" }), drawn],
  ].flat(Infinity).filter(Boolean);
}

// What to type of it: the lines that show it and, of a version, that load it and tell its lineage.
function actsOf({ noun, versioned }) {
  return ["show", ...(noun === "data" || noun === "model" ? ["load"] : []), ...(versioned ? ["lineage"] : [])];
}

function actionsOf(context, told) {
  const { el, button } = context;
  const insert = async () => context.insertCell(await context.cellLine("show", { noun: told.noun, ref: told.ref }));
  return el("div", { class: "nbp-bar" },
    told.panel && button(`Open in ${context.titleOf(told.panel)}`, () => context.visit(told.panel, told.ref)),
    button("Insert line", insert, { title: "Put the line that shows it into the notebook" }));
}

function linksOf(view, title, refs) {
  if (!refs?.length) return null;
  const link = (ref) => el("li", {}, el("button", { type: "button", class: "nbp-link", text: ref, on: { click: () => view.open(ref) } }));
  return [el("h3", { text: title }), el("ul", { class: "nbp-listed", "aria-label": title }, refs.map(link))];
}
