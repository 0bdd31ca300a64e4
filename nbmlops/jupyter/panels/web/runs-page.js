// One run: what it was given and reached, what it read and wrote, what it left.

function runPage(view, run, curves) {
  const { context } = view;
  const { el, facts, say, button } = context;
  const pairs = (title, values, told) => Object.keys(values).length
    ? [el("h3", { text: title }), facts(Object.entries(values).map(([name, value]) => [name, told(value)]), title)] : [];
  const drawn = Object.entries(curves).filter(([, points]) => points.length > 1)
    .map(([name, points]) => context.chart({ label: name, lines: [{ name, points }] }));
  const tags = Object.fromEntries(Object.entries(run.tags).filter(([name]) => name !== "note"));
  return [
    actionsOf(view, run),
    run.tags.note && el("pre", { text: run.tags.note, "aria-label": "Note" }),
    facts([
      ["status", el("span", { class: `nbp-state nbp-is-${run.status}`, text: run.status })], ["kind", run.kind], ["started", say.when(run.started_at)], ["took", say.duration(run.seconds)],
      ["part of", run.parent && linkTo(view, run.parent)], ["notebook", run.notebook],
      ["git", run.git?.commit && `${run.git.branch}@${run.git.commit.slice(0, 8)}${run.git.dirty ? " (with changes)" : ""}`],
      ["python", run.python], ["peak memory", run.resources && say.size(run.resources.peak_memory)], ["hidden state", run.hidden], ["id", run.id],
    ], "Facts"),
    run.error && context.fail({ message: `${run.error.name ?? "error"}: ${run.error.value ?? ""}` }),
    ...pairs("Metrics", run.metrics, say.number), ...drawn, ...pairs("Params", run.params, say.value), ...pairs("Tags", tags, say.value),
    ...flowOf(context, run), ...modelsOf(context, run), ...artifactsOf(context, run), ...partsOf(view, run), ...cellsOf(context, run),
  ].filter(Boolean);
}

function actionsOf(view, run) {
  const { context } = view;
  const { el, button } = context;
  const reproduce = () => context.act("reproduce", { ref: run.name }, { title: `Reproduce ${run.name}`, run: "Execute it again" });
  return el("div", { class: "nbp-bar" },
    button("Note…", () => noteOf(view, run)), button("Reproduce…", reproduce),
    run.notebook && button("Open notebook", () => context.openNotebook(run.notebook)),
    button("Insert line", async () => context.insertCell(await context.cellLine("show", { ref: run.name })), { title: "Put the line that shows this run into the notebook" }));
}

function noteOf(view, run) {
  const { context } = view;
  const input = context.el("input", { class: "nbp-input", value: run.tags.note ?? "", "aria-label": `Note of ${run.name}` });
  const write = () => context.act("note", { ref: run.name, text: input.value }, { title: `Note of ${run.name}`, run: "Write it" })
    .then((done) => done && view.open(run.name));
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") write(); });
  view.side.querySelector(".nbp-bar").after(context.el("div", { class: "nbp-bar" }, input, context.button("Continue", write)));
  input.focus();
}

function linkTo(view, name) {
  return view.context.el("button", { type: "button", class: "nbp-link", text: name, on: { click: () => view.open(name) } });
}

// What it read, the run, what it wrote.
function flowOf(context, run) {
  const { el } = context;
  if (!run.inputs.length && !run.outputs.length) return [];
  const list = (refs, label) => el("ul", { "aria-label": label }, refs.slice(0, 40).map((ref) => el("li", { text: ref })), refs.length > 40 && el("li", { text: `and ${refs.length - 40} more` }));
  const arrow = () => el("span", { "aria-hidden": "true", text: "→" });
  return [el("h3", { text: "Lineage" }), el("div", { class: "nbp-lineup" }, list(run.inputs, "reads"), arrow(), el("b", { text: run.name }), arrow(), list(run.outputs, "writes"))];
}

// A model that the run saved is registered: it can be promoted. Another is a variable of its notebook.
function modelsOf(context, run) {
  const { el, button } = context;
  if (run.kind === "pipeline") return [];
  const promote = (ref) => context.act("promote", { ref }, { title: `Promote ${ref} to production`, run: "Promote" });
  const lines = run.models.map((ref) => el("li", {}, el("span", { text: `${ref} is registered` }), button("Promote…", () => promote(ref))));
  const register = async () => context.insertCell(await context.cellLine("register", { name: run.experiment }));
  const none = el("li", {}, el("span", { class: "nbp-muted", text: "none is registered: the estimator is a variable of its notebook" }), button("Register…", register, { title: "Put the line that registers it into the notebook" }));
  return [el("h3", { text: "Models" }), el("ul", { class: "nbp-listed" }, lines.length ? lines : none)];
}

function artifactsOf(context, run) {
  const { el, button } = context;
  const names = Object.keys(run.artifacts);
  if (!names.length) return [];
  const load = async (name) => context.insertCell(await context.cellLine("artifact", { ref: run.name, name }));
  return [el("h3", { text: "Artifacts" }), el("ul", { class: "nbp-listed" }, names.slice(0, 100).map((name) => el("li", {}, el("span", { text: name }), button("Insert line", () => load(name), { "aria-label": `Insert the line that loads ${name}` }))))];
}

function partsOf(view, run) {
  const { el, say } = view.context;
  if (!run.children.length) return [];
  return [el("h3", { text: "Parts" }), el("ul", { class: "nbp-listed" }, run.children.map((child) => el("li", {}, linkTo(view, child.name), el("span", {}, el("span", { class: `nbp-state nbp-is-${child.status}`, text: child.status }), ` ${say.duration(child.seconds)}`))))];
}

function cellsOf(context, run) {
  const { el, say } = context;
  if (!run.cells.length) return [];
  const cells = run.cells.map((cell) => el("details", {}, el("summary", { class: "nbp-clip", text: `[${cell.count ?? cell.position + 1}] ${cell.status}, ${say.duration(cell.seconds)}: ${cell.source.split("\n").find((row) => row.trim()) ?? ""}` }), el("pre", { text: cell.source })));
  return [el("h3", { text: "Cells" }), ...cells];
}
