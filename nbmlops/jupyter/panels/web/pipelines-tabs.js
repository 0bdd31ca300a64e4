// The other sides of a pipeline: its runs, what is due when, and what is frozen.

class RunsTab {
  constructor(view) {
    this.view = view;
    this.context = view.context;
  }

  draw(box) {
    if (this.table) return;
    const { el, say, button, context } = { ...this.context, context: this.context };
    const told = (row) => [row.tags.version && `frozen ${row.tags.version.slice(0, 8)}`, row.tags.logical_time && `for ${row.tags.logical_time}`, row.tags.for && `for ${row.tags.for}`, row.tags.steps && "a part"].filter(Boolean).join(", ");
    this.table = context.table({
      label: "Runs of the pipeline", rows: this.rows ?? [], columns: [
        { key: "status", title: "status", width: 96, cell: (row) => el("span", { class: `nbp-state nbp-is-${row.status}`, text: row.status }) },
        { key: "name", title: "run" }, { key: "started_at", title: "started", width: 164, cell: (row) => say.when(row.started_at) },
        { key: "seconds", title: "took", number: true, cell: (row) => say.duration(row.seconds) },
        { key: "params", title: "parameters", sort: false, cell: (row) => Object.entries(row.params).map(([name, value]) => `${name}=${say.value(value)}`).join(" ") },
        { key: "what", title: "what", sort: false, cell: told }, { key: "why", title: "why", sort: false, cell: (row) => row.error ? whyOf(row.error) : "" },
      ], onOpen: (row) => this.view.pin(row.name),
    });
    this.older = button("Older", () => this.more(), { hidden: true });
    this.nothing = el("div");
    box.append(this.nothing, this.table.element, this.older);
    this.tell();
  }

  async reload() {
    const { name } = this.view;
    const found = await this.context.ask("runs", { name });
    if (name !== this.view.name) return;
    this.rows = found.rows;
    this.next = found.next;
    this.tell();
  }

  async more() {
    const { name } = this.view;
    const found = await this.context.ask("runs", { name, after: this.next });
    if (name !== this.view.name) return;
    this.rows = [...this.rows, ...found.rows];
    this.next = found.next;
    this.tell();
  }

  tell() {
    if (!this.table || !this.rows) return;
    this.table.show(this.rows, { keep: true });
    this.table.element.hidden = this.rows.length === 0;
    this.older.hidden = !this.next;
    this.nothing.replaceChildren(...(this.rows.length ? [] : [this.context.empty("Not run yet.", `pipeline run ${this.view.base}`)]));
  }
}

class TimesTab {
  constructor(view) {
    this.view = view;
    this.context = view.context;
    this.open = new Set();
  }

  draw(box) {
    if (this.box) return;
    const { el } = this.context;
    this.box = el("div", { class: "nbp-pieces" });
    this.new = el("div");
    box.append(this.box, this.new);
    this.tell();
  }

  async reload() {
    const { name } = this.view;
    const found = await this.context.ask("schedules", { name });
    if (name !== this.view.name) return;
    this.rows = found.rows;
    this.tell();
  }

  tell() {
    if (!this.box || !this.rows) return;
    const { context, view } = this;
    const none = context.empty("Nothing starts it by itself.", `schedule add ${view.name} "0 6 * * *" --tz Europe/Berlin`);
    view.renew(this.box, [view.name, this.rows], () => this.rows.length ? this.rows.map((row) => this.card(row)) : [none]);
    const targets = [...Object.keys(view.record.aliases), ...(view.record.is_working ? ["working"] : [])].map((alias) => `${view.name}@${alias}`);
    if (!targets.length) targets.push(view.base);
    if (this.targets === targets.join()) return; // what somebody is writing in the form stays
    this.targets = targets.join();
    this.new.replaceChildren(this.adding(targets));
  }

  card({ schedule, next }) {
    const { el, facts, say, button, context } = { ...this.context, context: this.context };
    const state = schedule.paused_at ? "paused" : schedule.running ? `${schedule.running} running` : schedule.late ? `late by ${say.duration(schedule.late)}` : "waiting";
    const tone = schedule.paused_at ? "waiting" : schedule.running ? "running" : schedule.late ? "warned" : "finished";
    const last = schedule.last ? `${schedule.last.state} ${say.when(schedule.last.ended_at ?? schedule.last.due_at)}${schedule.last.run ? ` (${schedule.last.run})` : ""}${schedule.last.note ? `: ${schedule.last.note}` : ""}` : "none yet";
    const act = (name, word) => () => context.act(name, { schedule: schedule.name }, { title: `${word} ${schedule.name}`, run: word });
    const target = schedule.target.endsWith("@working") ? this.view.base : schedule.target;
    const history = el("details", { open: this.open.has(schedule.name) }, el("summary", { text: "What has come due" }), el("div"));
    const read = async () => {
      if (!history.open) { this.open.delete(schedule.name); return; }
      this.open.add(schedule.name);
      try { history.lastChild.replaceChildren(this.fires((await context.ask("fires", { schedule: schedule.name })).rows)); }
      catch (error) { history.lastChild.replaceChildren(context.fail(error)); }
    };
    history.addEventListener("toggle", read);
    return el("section", { class: "nbp-piece", "aria-label": `Schedule ${schedule.name}` },
      el("div", { class: "nbp-sidehead" }, el("h2", { text: schedule.name }), el("span", { class: `nbp-state nbp-is-${tone}`, text: state })),
      facts([["starts", schedule.target], ["when", schedule.trigger], ["zone", schedule.zone], ["parameters", Object.entries(schedule.parameters).map(([name, value]) => `${name}=${say.value(value)}`).join(", ")],
        ["missed times", schedule.catchup], ["while one runs", schedule.overlap], ["last", last]], "Facts"),
      next.length > 0 && el("div", {}, el("h3", { text: `The next ${next.length} times` }), el("ol", { class: "nbp-list" }, next.map((one) => el("li", { text: `${one.local} ${one.zone}` })))),
      el("div", { class: "nbp-bar" },
        schedule.paused_at ? button("Resume…", act("unpause", "Resume")) : button("Pause…", act("pause", "Pause")),
        button("Run now…", () => this.view.ask(target, schedule.name)), button("Delete…", act("remove", "Delete"))), history);
  }

  fires(rows) {
    const { el, say } = this.context;
    if (!rows.length) return el("p", { class: "nbp-muted", text: "nothing yet" });
    return el("ul", { class: "nbp-list" }, rows.map((row) => el("li", {}, el("span", { class: `nbp-state nbp-is-${row.state === "completed" ? "finished" : row.state === "failed" ? "failed" : "waiting"}`, text: row.state }),
      ` ${say.when(row.due_at)} for ${row.logical_time}${row.run ? `, ${row.run}` : ""}${row.note ? `: ${row.note}` : ""}`)));
  }

  adding(targets) {
    const { el, context } = { ...this.context, context: this.context };
    const cron = el("input", { class: "nbp-input nbp-short", placeholder: "0 6 * * *", "aria-label": "Cron line", spellcheck: "false" });
    const tz = el("input", { class: "nbp-input nbp-short", placeholder: "UTC", "aria-label": "Time zone", spellcheck: "false" });
    const what = el("select", { "aria-label": "What it starts" }, targets.map((target) => el("option", { value: target, text: target.endsWith("@working") ? `${this.view.name} (the notebooks as they are)` : target })));
    const press = async () => {
      const zone = tz.value.trim();
      const done = await context.act("add", { target: what.value, cron: cron.value.trim() || cron.placeholder, ...(zone ? { tz: zone } : {}) }, { title: `Schedule ${this.view.name}`, run: "Add it" });
      if (done) cron.value = "";
    };
    return el("form", { class: "nbp-piece", "aria-label": "Add a schedule", on: { submit: (event) => { event.preventDefault(); press(); } } }, el("h2", { text: "Add a schedule" }), el("div", { class: "nbp-bar" }, what, cron, tz, el("button", { type: "submit", class: "nbp-button", text: "Add…" })));
  }
}

class FrozenTab {
  constructor(view) {
    this.view = view;
    this.context = view.context;
  }

  draw(box) {
    if (this.box) return;
    const { el } = this.context;
    this.form = el("div");
    this.box = el("div", { class: "nbp-pieces" });
    box.append(this.form, this.box);
    this.tell();
  }

  async reload() {
    const { name, record } = this.view;
    const found = record.newest ? await this.context.ask("versions", { name }) : { rows: [] };
    if (name !== this.view.name) return;
    this.rows = found.rows;
    this.tell();
  }

  tell() {
    if (!this.box || !this.rows) return;
    const none = () => this.context.empty("Nothing is frozen yet. Promoting lints, proves and freezes it, and moves an alias to what was frozen.", `pipeline promote ${this.view.name}`);
    this.view.renew(this.box, [this.view.name, this.rows], () => this.rows.length ? this.rows.map((row) => this.card(row)) : [none()]);
  }

  card(row) {
    const { el, facts, say, button, context } = { ...this.context, context: this.context };
    const judged = row.judged ? `report ${row.judged[0]}: ${row.judged[1]}` : null;
    const back = (alias) => button(`Roll ${alias} back…`, () => context.act("rollback", { name: this.view.name, alias }, { title: `Roll ${alias} back`, run: "Roll back", about: `It moves ${alias} to where it was before its last promotion.` }));
    return el("section", { class: "nbp-piece", "aria-label": `Version ${row.ref}` },
      el("div", { class: "nbp-sidehead" }, el("h2", { text: row.ref }), el("span", {}, row.aliases.map((alias) => el("span", { class: "nbp-alias", text: alias })))),
      facts([["frozen", `${say.when(row.created_at)} by ${row.author}`], ["message", row.message], ["steps", row.steps.join(" → ")], ["parameters", el("ul", { class: "nbp-list nbp-flat" }, Object.entries(row.parameters).map(([step, values]) => el("li", {}, el("span", { class: "nbp-muted", text: `${step}: ` }), Object.entries(values ?? {}).map(([name, value]) => `${name}=${say.value(value)}`).join(", "))))],
        ["promoted on", judged], ["suites", row.reports.join(", ")], ["approval", row.asked.join("; ")], ["digest", row.digest.slice(0, 12)], ["deleted", say.when(row.deleted_at)]], "Facts"),
      el("div", { class: "nbp-bar" }, button("Run…", () => this.view.ask(row.ref)), row.aliases.map(back), button("Insert line", () => this.view.insert(row.ref))));
  }

  promote() {
    const { el, button, context } = { ...this.context, context: this.context };
    this.view.pages.choose(3);
    const to = el("input", { class: "nbp-input nbp-short", value: "production", "aria-label": "Alias to move", spellcheck: "false" });
    const why = el("input", { class: "nbp-input", placeholder: "why", "aria-label": "Message" });
    const press = async () => {
      const message = why.value.trim();
      await context.act("promote", { name: this.view.name, to: to.value.trim(), ...(message ? { message } : {}) }, { title: `Promote ${this.view.name}`, run: "Promote", about: "It lints the notebooks, executes them in clean kernels to prove them, judges by the gates, freezes, and moves the alias. What refuses it is said below, and nothing is moved then." });
    };
    this.form.replaceChildren(el("form", { class: "nbp-piece", on: { submit: (event) => { event.preventDefault(); press(); } } }, el("div", { class: "nbp-sidehead" }, el("h2", { text: `Promote ${this.view.name}` }), button("Close", () => this.form.replaceChildren(), { "aria-label": "Close the form" })),
      el("div", { class: "nbp-bar" }, to, why, el("button", { type: "submit", class: "nbp-button nbp-primary", text: "Promote…" }))));
    to.focus();
  }
}
