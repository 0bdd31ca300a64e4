// The panel of runs: a toolbar, a table of all runs, and beside it one run or several compared.

const SIZE = 100;
const OWN = 7; // of a row: id, name, status, kind, started, seconds, notebook; behind them the columns that were chosen

panels.register("runs", {
  title: "Runs",
  async draw(root, context) {
    const view = new RunsView(root, context);
    context.arrive = (ref) => view.open(ref);
    await view.start();
  },
});

class RunsView {
  constructor(root, context) {
    Object.assign(this, { root, context, where: "", by: null, columns: [], round: 0, anchors: null, again: null });
  }

  async start() {
    const { el, button, debounced, lastAsked, table } = this.context;
    this.search = lastAsked(() => { this.where = this.filter.value.trim(); return this.reload({ typing: true }); });
    this.outlineSoon = debounced(() => this.outline(), 120);
    this.refuseSoon = debounced((error, round) => { if (round === this.round) this.refuse(error); }, 400);
    const first = await this.context.ask("start");
    Object.assign(this, { fields: first.fields, columns: first.columns });
    this.numbered(first.rows);
    this.filter = el("input", { type: "search", class: "nbp-input", placeholder: 'metrics.auc > 0.8 and status = "finished"', "aria-label": "Condition on runs", spellcheck: "false", on: { input: () => this.search() } });
    this.wrong = el("pre", { class: "nbp-wrong", role: "alert", hidden: true });
    this.count = el("span", { class: "nbp-muted", role: "status" });
    this.comparing = button("Compare", () => this.compare(), { disabled: true, title: "Select two runs or more" });
    this.clearing = button("Clear", () => this.table.clear(), { hidden: true, class: "nbp-button nbp-quiet", "aria-label": "Clear the selection" });
    this.line = el("code", { class: "nbp-muted", text: first.line });
    this.side = el("section", { class: "nbp-side", hidden: true, "aria-label": "Details", on: { keydown: (event) => { if (event.key === "Escape") this.close(); } } });
    this.nothing = el("div", { hidden: true });
    this.table = table({
      label: "Runs", columns: this.shown(), size: SIZE, id: (row) => row[0], name: (row) => row[1], source: this.source(first.rows),
      onSort: (key, descending) => { this.by = `${descending ? "-" : ""}${key}`; this.reload(); },
      onOpen: (row) => this.open(row[1]), onSelect: (ids) => this.select(ids), onError: (error) => this.context.away(error),
    });
    this.content = el("div", { class: "nbp-split" }, this.table.element, this.side);
    const bar = el("div", { class: "nbp-bar" }, this.filter, this.comparing, this.clearing, this.columnMenu = this.menu(), this.count);
    this.root.replaceChildren(bar, this.wrong, this.nothing, this.content, el("div", { class: "nbp-bar" }, this.line, button("Copy", () => this.context.copy(this.line.textContent), { class: "nbp-button nbp-quiet", "aria-label": "Copy the line of this table" })));
    this.emptiness(first.rows.length);
    this.context.onChange(() => this.changed());
    await this.outline();
  }

  shown() {
    const { el, say } = this.context;
    const name = (field) => this.fields.find((one) => one.field === field)?.name ?? field;
    const chosen = this.columns.map((field, place) => {
      const told = field.startsWith("metrics") ? say.number : say.value;
      return { key: field, title: name(field), hint: field, number: this.numbers[place], cell: (row) => told(row[OWN + place]) };
    });
    return [
      { key: "experiment", title: "run", cell: (row) => row[1] },
      { key: "status", title: "status", width: 96, cell: (row) => el("span", { class: `nbp-state nbp-is-${row[2]}`, text: row[2] }) },
      ...chosen,
      { key: "started", title: "started", width: 156, cell: (row) => say.when(row[4]) },
      { key: "seconds", title: "took", number: true, cell: (row) => say.duration(row[5]) },
      { key: "kind", title: "kind", cell: (row) => row[3] },
      { key: "notebook", title: "notebook", cell: (row) => (row[6] ?? "").split("/").at(-1) },
    ];
  }

  // Which of the columns hold numbers, and stand to the right.
  numbered(rows) {
    this.numbers = this.columns.map((_, place) => rows.some((row) => typeof row[OWN + place] === "number"));
  }

  asked() { return { columns: this.columns, where: this.where || null, by: this.by }; }

  source(first) {
    const page = async (number) => {
      if (number > 0 && !this.anchors) return null; // the outline is on its way
      return (await this.context.ask("page", { ...this.asked(), after: number > 0 ? this.anchors[number - 1] : null })).rows;
    };
    return { first, total: first.length, page };
  }

  // Ask anew for what is in sight; `keep` leaves the scroll and, until the rows are there, what was shown.
  async reload({ keep = false, typing = false } = {}) {
    this.round += 1;
    const { round } = this;
    try {
      // Until somebody chooses columns, they are those of the newest runs.
      const fresh = keep && !this.own;
      const found = fresh ? await this.context.ask("start", { where: this.where || null, by: this.by }) : await this.context.ask("page", this.asked());
      if (round !== this.round) return;
      this.accept(found.line);
      if (fresh) this.adopt(found);
      const source = this.source(found.rows);
      if (keep) source.total = Math.max(this.table.source.total, source.total);
      else this.anchors = null;
      this.table.show(source, { keep });
      this.emptiness(found.rows.length);
      if (typing) this.outlineSoon(); // counting all of them would keep the next key waiting
      else await this.outline({ rarely: keep });
    } catch (error) {
      if (round !== this.round) return;
      // What was no mistake before is none now; a condition that is half typed is none yet.
      if (keep && this.wrong.hidden) this.context.away(error);
      else if (typing) this.refuseSoon(error, round);
      else this.refuse(error);
    }
  }

  adopt(found) {
    if (String(this.fields.map((one) => one.field)) !== String(found.fields.map((one) => one.field)) && !this.columnMenu.open) {
      this.fields = found.fields;
      const menu = this.menu();
      this.columnMenu.replaceWith(menu);
      this.columnMenu = menu;
    }
    if (String(this.columns) === String(found.columns)) return;
    this.columns = found.columns;
    this.numbered(found.rows);
    this.table.pages = new Map(); // rows of other columns
    this.table.columns(this.shown());
    this.table.widths = null;
  }

  // How many there are and where pages begin; the rows that are shown stay without it. While runs go on this would be asked all the time: it is asked rarely.
  async outline({ rarely = false } = {}) {
    const now = performance.now();
    clearTimeout(this.waits);
    const left = rarely && this.outlined ? this.outlined.at + 20 * this.outlined.took - now : 0;
    if (left > 0) {
      this.waits = setTimeout(() => this.outline(), left);
      return;
    }
    const { round } = this;
    let found;
    try {
      found = await this.context.ask("outline", { where: this.where || null, by: this.by, every: SIZE });
    } catch (error) {
      this.context.away(error);
      return;
    }
    if (round !== this.round) return;
    this.outlined = { at: performance.now(), took: performance.now() - now };
    const moved = this.anchors && String(this.anchors) !== String(found.anchors);
    this.anchors = found.anchors;
    if (moved) this.table.renew();
    this.table.setTotal(found.total);
    this.count.textContent = this.context.say.count(found.total, "run");
  }

  async changed() {
    await this.reload({ keep: true });
    if (this.again && !this.side.hidden && !this.side.querySelector("input")) await this.again();
  }

  emptiness(rows) {
    const none = rows === 0;
    this.content.hidden = none;
    this.nothing.hidden = !none;
    if (!none) return;
    this.count.textContent = "";
    this.nothing.replaceChildren(this.where ? this.context.empty("No run matches.")
      : this.context.el("div", { class: "nbp-empty" }, "No runs yet. For the first, put this line at the top of a cell:", this.context.lineOf("%%ml run NAME")));
  }

  refuse(error) {
    this.wrong.textContent = error.hint ? `${error.message}\n${error.hint}` : error.message;
    this.wrong.hidden = false;
    this.filter.setAttribute("aria-invalid", "true");
  }

  accept(line) {
    this.line.textContent = line;
    this.wrong.hidden = true;
    this.filter.removeAttribute("aria-invalid");
  }

  menu() {
    const { el } = this.context;
    const box = ({ field }) => el("input", { type: "checkbox", checked: this.columns.includes(field), on: { change: (event) => this.choose(field, event.target.checked) } });
    const rows = this.fields.map((one) => el("label", { title: one.field }, box(one), ` ${one.name} `, el("span", { class: "nbp-muted", text: one.group })));
    const menu = el("details", { class: "nbp-menu" }, el("summary", { text: "Columns" }), el("div", { class: "nbp-menu-body" }, rows.length ? rows : "no params, metrics or tags yet"));
    menu.addEventListener("keydown", (event) => { if (event.key === "Escape") { menu.open = false; menu.firstChild.focus(); } });
    menu.addEventListener("focusout", (event) => { if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false; });
    return menu;
  }

  async choose(field, on) {
    const { columns } = this;
    this.own = true;
    this.columns = on ? [...columns, field] : columns.filter((one) => one !== field);
    try {
      const { rows } = await this.context.ask("page", this.asked());
      this.numbered(rows);
      const source = { ...this.source(rows), total: this.table.source.total };
      this.table.pages = new Map(); // rows of other columns
      this.table.source = source;
      this.table.columns(this.shown());
      this.table.show(source, { keep: true });
      this.table.measure();
    } catch (error) {
      this.columns = columns;
      this.refuse(error);
    }
  }

  select(ids) {
    this.comparing.disabled = ids.length < 2;
    this.comparing.textContent = ids.length < 2 ? "Compare" : `Compare ${ids.length}`;
    this.clearing.hidden = ids.length === 0;
  }

  close() {
    turnOf(this, "again");
    this.side.hidden = true;
    this.again = null;
    this.table.element.focus();
  }

  aside(title, again, parts) {
    const { el, button } = this.context;
    const same = this.side.dataset.title === title;
    const top = same ? this.side.scrollTop : 0;
    const stops = () => [...this.side.querySelectorAll("button, summary, [tabindex]")];
    const held = same ? stops().indexOf(document.activeElement) : -1;
    this.again = again;
    this.side.hidden = false;
    this.side.dataset.title = title;
    const close = button("Close", () => this.close(), { "aria-label": `Close ${title}` });
    this.side.replaceChildren(el("div", { class: "nbp-sidehead" }, el("h2", { text: title }), close), ...parts);
    if (held >= 0) stops()[held]?.focus({ preventScroll: true });
    this.side.scrollTop = top;
  }

  async open(name, { fresh = false } = {}) {
    const lasts = turnOf(this, "again", fresh);
    try {
      const run = await this.context.ask("run", { ref: name });
      const curves = await this.context.ask("curves", { ref: run.id, names: Object.keys(run.metrics).slice(0, 24) });
      if (!lasts()) return;
      // What somebody has unfolded stays so while nothing of it has changed.
      const told = JSON.stringify([run, curves]);
      if (fresh && told === this.told) return;
      this.told = told;
      this.aside(run.name, () => this.open(run.name, { fresh: true }), runPage(this, run, curves));
    } catch (error) {
      if (lasts()) this.aside(name, null, [this.context.fail(error)]);
    }
  }

  async compare() {
    const lasts = turnOf(this, "again");
    try {
      const found = await this.context.ask("compare", { refs: [...this.table.selected] });
      const line = await this.context.line("compare", { refs: found.runs });
      if (lasts()) this.aside(`${found.runs.length} runs compared`, null, comparedPage(this.context, found, line));
    } catch (error) {
      if (lasts()) this.aside("Compare", null, [this.context.fail(error)]);
    }
  }
}
