// The panel of runs: a toolbar, a table of all runs, and beside it one run or several compared.

panels.register("runs", {
  title: "Runs",
  async draw(root, context) {
    const view = new RunsView(root, context);
    await view.start();
  },
});

const OWN = ["id", "name", "status", "kind", "started", "seconds", "notebook"];
const SIZE = 100;

class RunsView {
  constructor(root, context) {
    this.root = root;
    this.context = context;
    this.where = "";
    this.by = null;
    this.columns = [];
    this.names = new Map();
  }

  async start() {
    const { el, button } = this.context;
    const first = await this.context.ask("start", {});
    this.fields = first.fields;
    this.columns = first.columns;
    this.filter = el("input", { type: "search", class: "nbp-input", placeholder: 'metrics.auc > 0.8 and status = "finished"', "aria-label": "Condition on runs", "aria-describedby": "", spellcheck: "false", on: { input: this.context.debounced(() => this.search(), 30) } });
    this.wrong = el("pre", { class: "nbp-wrong", role: "alert", hidden: true });
    this.count = el("span", { class: "nbp-muted", role: "status" });
    this.compareButton = button("Compare", () => this.compare(), { disabled: true });
    this.side = el("div", { class: "nbp-side", hidden: true });
    this.table = this.context.table({
      label: "Runs", columns: this.shownColumns(), size: SIZE, id: (row) => row[0], name: (row) => row[1],
      source: this.source(first.rows), onSort: (key, descending) => { this.by = `${descending ? "-" : ""}${key}`; this.reload(); },
      onOpen: (row) => this.open(row[1]), onSelect: (ids, row) => this.select(ids, row), onError: (error) => this.refuse(error),
    });
    this.content = el("div", { class: "nbp-split" }, this.table.element, this.side);
    this.root.replaceChildren(
      el("div", { class: "nbp-bar" }, this.filter, this.compareButton, this.columnMenu(), this.count), this.wrong,
      this.nothing = el("div", { hidden: true }), this.content);
    this.emptiness(first.rows.length);
    this.context.onChange(() => this.reload({ keep: true }));
    await this.outline();
  }

  shownColumns() {
    const { el, say } = this.context;
    const own = [
      { key: "experiment", title: "run", cell: (row) => row[1] },
      { key: "status", title: "status", cell: (row) => el("span", { class: `nbp-state nbp-is-${row[2]}`, text: row[2] }) },
      { key: "started", title: "started", cell: (row) => say.when(row[4]), width: 160 },
      { key: "seconds", title: "took", cell: (row) => say.duration(row[5]), number: true },
    ];
    const chosen = this.columns.map((field, place) => ({
      key: field, title: this.nameOf(field), hint: field, number: field.startsWith("metrics"),
      cell: (row) => { const value = row[OWN.length + place]; return typeof value === "number" && field.startsWith("metrics") ? say.number(value) : say.value(value); },
    }));
    const kind = { key: "kind", title: "kind", cell: (row) => row[3] };
    const notebook = { key: "notebook", title: "notebook", cell: (row) => (row[6] ?? "").split("/").at(-1) };
    return [...own, ...chosen, kind, notebook];
  }

  nameOf(field) { return this.fields.find((one) => one.field === field)?.name ?? field; }

  source(first) {
    this.anchors = null;
    return {
      first, total: first.length,
      page: async (number) => {
        if (number > 0 && !this.anchors) return null;
        const after = number > 0 ? this.anchors[number - 1] : null;
        return (await this.context.ask("page", { ...this.asked(), after })).rows;
      },
    };
  }

  asked() { return { columns: this.columns, where: this.where || null, by: this.by }; }

  async search() {
    this.where = this.filter.value.trim();
    await this.reload();
  }

  async reload({ keep = false } = {}) {
    const round = (this.round = (this.round ?? 0) + 1);
    try {
      const { rows } = await this.context.ask("page", this.asked());
      if (round !== this.round) return;
      this.accept();
      const source = this.source(rows);
      if (keep) source.total = Math.max(this.table.source.total, rows.length);
      this.table.show(source, { keep });
      this.emptiness(rows.length);
      await this.outline();
      if (keep && this.again) await this.again();
    } catch (error) {
      if (round === this.round) this.refuse(error);
    }
  }

  async outline() {
    const { round } = this;
    const found = await this.context.ask("outline", { where: this.where || null, by: this.by, every: SIZE });
    if (round !== this.round) return;
    this.anchors = found.anchors;
    this.table.setTotal(found.total);
    this.count.textContent = this.context.say.count(found.total, "run");
  }

  emptiness(rows) {
    const none = rows === 0;
    this.content.hidden = none;
    this.nothing.hidden = !none;
    if (none) {
      this.count.textContent = "";
      this.nothing.replaceChildren(this.where ? this.context.empty("No run matches.")
        : this.context.empty("No runs yet. The first: put this line at the top of a cell.", "%%ml run NAME"));
    }
  }

  refuse(error) {
    this.wrong.textContent = error.hint ? `${error.message}\n${error.hint}` : error.message;
    this.wrong.hidden = false;
    this.filter.setAttribute("aria-invalid", "true");
  }

  accept() {
    this.wrong.hidden = true;
    this.filter.removeAttribute("aria-invalid");
  }

  columnMenu() {
    const { el } = this.context;
    const boxes = this.fields.map((one) => el("label", {}, el("input", { type: "checkbox", checked: this.columns.includes(one.field), on: { change: (event) => this.choose(one.field, event.target.checked) } }), ` ${one.group}: ${one.name}`));
    return el("details", { class: "nbp-menu" }, el("summary", { text: "Columns" }), el("div", { class: "nbp-menu-body" }, boxes.length ? boxes : el("span", { text: "no params, metrics or tags yet" })));
  }

  async choose(field, on) {
    this.columns = on ? [...this.columns, field] : this.columns.filter((one) => one !== field);
    const { rows } = await this.context.ask("page", this.asked());
    const total = this.table.source.total;
    const { anchors } = this;
    const source = this.source(rows);
    Object.assign(source, { total });
    this.anchors = anchors;
    this.table.source = source;
    this.table.pages = new Map([[0, rows]]);
    this.table.columns(this.shownColumns());
  }

  select(ids, row) {
    if (row) this.names.set(row[0], row[1]);
    this.compareButton.disabled = ids.length < 2;
    this.compareButton.textContent = ids.length < 2 ? "Compare" : `Compare ${ids.length}`;
  }

  aside(title, again, ...children) {
    const { el, button } = this.context;
    this.again = again;
    this.side.hidden = false;
    const close = button("Close", () => { this.side.hidden = true; this.again = null; this.table.element.focus(); }, { "aria-label": `Close ${title}` });
    this.side.replaceChildren(el("div", { class: "nbp-sidehead" }, el("h2", { text: title }), close), ...children);
  }

  async open(name) {
    const { context } = this;
    try {
      const run = await context.ask("run", { ref: name });
      const curves = await context.ask("curves", { ref: name, names: Object.keys(run.metrics).slice(0, 24) });
      this.aside(run.name, () => this.open(name), ...this.page(run, curves));
    } catch (error) {
      this.aside(name, null, context.fail(error));
    }
  }

  page(run, curves) {
    const { el, facts, say, button, context } = { ...this.context, context: this.context };
    const pairs = (title, values, told) => Object.keys(values).length ? [el("h3", { text: title }), facts(Object.entries(values).map(([name, value]) => [name, told(value)]), title)] : [];
    const drawn = Object.entries(curves).filter(([, points]) => points.length > 1).map(([name, points]) => context.chart({ label: name, lines: [{ name, points }] }));
    return [
      el("div", { class: "nbp-bar" },
        button("Note…", () => this.note(run)), button("Reproduce…", () => context.act("reproduce", { ref: run.name }, { title: `Reproduce ${run.name}`, run: "Execute it again" })),
        run.notebook && button("Open notebook", () => context.openNotebook(run.notebook)),
        button("Insert line", async () => context.insertCell(await context.line("show", { ref: run.name })))),
      facts([["status", run.status], ["kind", run.kind], ["started", say.when(run.started_at)], ["took", say.duration(run.seconds)], ["notebook", run.notebook], ["id", run.id],
        ["git", run.git?.commit ? `${run.git.branch}@${run.git.commit.slice(0, 8)}${run.git.dirty ? " (with changes)" : ""}` : null],
        ["reads", run.inputs.join(", ")], ["writes", run.outputs.join(", ")]], "Facts"),
      run.error && context.fail({ message: `${run.error.name ?? "error"}: ${run.error.value ?? ""}` }),
      ...pairs("Metrics", run.metrics, say.number), ...drawn, ...pairs("Params", run.params, say.value), ...pairs("Tags", run.tags, say.value),
      ...pairs("Artifacts", run.artifacts, (digest) => digest.slice(0, 8)),
    ].filter(Boolean);
  }

  async note(run) {
    const { el, context } = { el: this.context.el, context: this.context };
    const input = el("input", { class: "nbp-input", value: run.tags.note ?? "", "aria-label": `Note of ${run.name}` });
    const save = context.button("Continue", () => context.act("note", { ref: run.name, text: input.value }, { title: `Note of ${run.name}`, run: "Write it" }).then(() => this.open(run.name)));
    this.side.append(el("div", { class: "nbp-bar" }, input, save));
    input.focus();
  }

  async compare() {
    const { context } = this;
    const refs = [...this.table.selected];
    try {
      const found = await context.ask("compare", { refs });
      this.aside(`${found.runs.length} runs compared`, null, ...this.compared(found, await context.line("compare", { refs: found.runs })));
    } catch (error) {
      this.aside("Compare", null, context.fail(error));
    }
  }

  compared(found, line) {
    const { el, say, context } = { ...this.context, context: this.context };
    const block = (title, rows, told) => rows.length ? [el("h3", { text: title }), el("div", { class: "nbp-wide", tabindex: "0", role: "group", "aria-label": title }, el("table", { class: "nbp-plain" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, el("span", { class: "nbp-hidden", text: "name" })), found.runs.map((name) => el("th", { scope: "col", text: name })))),
      el("tbody", {}, rows.map((row) => el("tr", {}, el("th", { scope: "row", text: row.name }), row.values.map((value) => el("td", { text: value === null ? "-" : told(value) })))))))] : [];
    const axes = [...found.params, ...found.metrics];
    const things = found.runs.map((name, place) => ({ name, values: axes.map((axis) => axis.values[place]) }));
    const curves = Object.entries(found.curves).map(([name, lines]) => context.chart({ label: name, lines: lines.map((points, place) => ({ name: found.runs[place], points })).filter((one) => one.points.length) }));
    const code = found.cells.map((cell) => el("details", {}, el("summary", { text: `cell ${cell.position + 1} of ${cell.run}: ${cell.what}` }), el("pre", {}, cell.lines.map((text) => el("span", { class: text.startsWith("+") ? "nbp-added" : text.startsWith("-") ? "nbp-removed" : "", text: `${text}\n` })))));
    return [
      context.lineOf(line),
      ...block("Params that differ", found.params, say.value), ...block("Metrics", found.metrics, say.number),
      axes.length > 1 ? context.across({ label: "Across params and metrics", axes: axes.map((axis) => axis.name), things }) : null,
      ...curves, ...block("Data read", found.inputs, say.value), ...block("Tags that differ", found.tags, say.value), ...block("Environment", found.environment, say.value),
      el("h3", { text: "Code" }), ...(code.length ? code : [el("p", { class: "nbp-muted", text: "the same code" })]),
    ].filter(Boolean);
  }
}
