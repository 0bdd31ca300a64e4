// The panel of pipelines: one of them at a time, with its graph, its runs, what is due when, and what is frozen.

panels.register("pipelines", {
  title: "Pipelines",
  async draw(root, context) {
    const view = new PipelinesView(root, context);
    context.arrive = (ref) => view.rows.some((row) => row.name === ref.split("@")[0]) && view.choose(ref.split("@")[0]);
    await view.start();
  },
});

const BEAT = 1500;

class PipelinesView {
  constructor(root, context) {
    this.root = root;
    this.context = context;
    this.name = null;
    this.pinned = null;
    this.folds = new Map(); // run and cell -> whether somebody unfolded or folded it
  }

  async start() {
    const { el } = this.context;
    this.select = el("select", { "aria-label": "Pipeline", on: { change: () => this.choose(this.select.value) } });
    this.head = el("div", { class: "nbp-bar" });
    this.waits = el("div");
    this.wrong = el("div");
    this.about = el("div", { class: "nbp-bar nbp-muted", role: "status" });
    this.flow = new Flow(this.context, (step) => this.step(step));
    this.side = el("div", { class: "nbp-side", hidden: true });
    this.runs = new RunsTab(this);
    this.times = new TimesTab(this);
    this.frozen = new FrozenTab(this);
    this.pages = this.context.tabs([
      { name: "graph", title: "Graph", draw: (box) => { if (!box.childElementCount) box.append(this.about, this.split = el("div", { class: "nbp-split" }, this.flow.element, this.side)); } },
      { name: "runs", title: "Runs", draw: (box) => this.runs.draw(box) },
      { name: "schedules", title: "Schedules", draw: (box) => this.times.draw(box) },
      { name: "frozen", title: "Frozen", draw: (box) => this.frozen.draw(box) },
    ], { label: "Of the pipeline" });
    this.nothing = el("div");
    this.content = el("div", { hidden: true }, el("div", { class: "nbp-bar" }, this.select, this.head), this.waits, this.wrong, this.pages);
    this.root.replaceChildren(this.nothing, this.content);
    await this.reload();
    this.context.onChange(() => this.reload());
    this.tick();
  }

  get record() { return this.rows.find((row) => row.name === this.name); }

  // What is drawn and run where nothing is said: the notebooks as they are, or what is frozen where there are none any more.
  get base() { return this.record.is_working ? this.name : this.record.newest; }

  async reload() {
    const { el } = this.context;
    const { rows } = await this.context.ask("overview");
    this.rows = rows;
    this.content.hidden = rows.length === 0;
    this.nothing.replaceChildren(...(rows.length ? [] : [el("div", { class: "nbp-empty" }, "No pipelines yet. Name the first in pyproject.toml: its notebooks are the steps, and the graph is read from what they load and save.", this.context.lineOf('[tool.nbmlops.pipelines]\nNAME = ["notebooks/*.ipynb"]'))]));
    if (!rows.length) return;
    if (!this.record) this.leaveFor(rows[0].name);
    this.renew(this.select, rows.map((row) => row.name), () => rows.map((row) => el("option", { value: row.name, text: row.name })));
    this.select.value = this.name;
    await this.fresh();
  }

  choose(name) { this.select.value = name; this.leaveFor(name); return this.fresh(); }

  // Nothing of the pipeline before stays.
  leaveFor(name) {
    Object.assign(this, { name, pinned: null, shown: null, plan: null, running: false, states: new Map() });
    this.shut();
  }

  shut() {
    turnOf(this, "again");
    this.side.hidden = true;
    this.again = null;
    this.following = false;
  }

  // Read again what is shown of the pipeline; what of it does not come leaves the rest as it is.
  async fresh() {
    const name = this.name;
    this.header();
    try {
      await Promise.all([this.graph(), this.waiting(), this.runs.reload(), this.times.reload(), this.frozen.reload()]);
      if (name === this.name && this.again) await this.again();
    } catch (error) {
      this.context.away(error);
    }
  }

  // Draw something anew when what it is made from is another: what has the focus or is open stays so while nothing changes.
  renew(element, made, draw) {
    const text = JSON.stringify(made);
    if (element.made === text) return;
    element.made = text;
    element.replaceChildren(...draw().filter(Boolean));
  }

  header() {
    const { button } = this.context;
    this.renew(this.head, this.base, () => [
      button("Run…", () => this.ask(), { class: "nbp-button nbp-primary" }),
      button("What would run?", () => this.explain()),
      this.record.is_working && button("Promote…", () => this.frozen.promote()),
      button("Insert line", () => this.insert(this.base))]);
  }

  async waiting() {
    const { el, button, context } = { ...this.context, context: this.context };
    const { name } = this;
    const { rows } = await context.ask("waiting", { name });
    if (name !== this.name) return;
    this.renew(this.waits, rows, () => rows.map((one) => el("div", { class: "nbp-notice" },
      el("span", {}, el("b", { text: one.ref }), ` waits for ${one.alias}: ${one.where}${one.message ? ` — ${one.message}` : ""}`),
      el("span", { class: "nbp-bar" },
        button("Approve…", () => context.act("approve", { ref: one.ref, to: one.alias }, { title: `Approve ${one.ref}`, run: "Approve" })),
        button("Reject…", () => context.act("reject", { ref: one.ref, to: one.alias }, { title: `Reject ${one.ref}`, run: "Reject" }))))));
  }

  // The graph and how its run stands; what does not come is told, and what was drawn of the pipeline before stays.
  async graph() {
    const { name } = this;
    const wrong = [];
    for (const read of [() => this.draft(name), () => this.live()]) {
      try {
        await read();
      } catch (error) {
        wrong.push(this.context.fail(error));
      }
      if (name !== this.name) return;
    }
    this.wrong.replaceChildren(...wrong);
    this.flow.element.hidden = !this.plan;
  }

  async draft(name) {
    const graph = await this.context.ask("graph", { name: this.base });
    if (name !== this.name) return;
    const text = JSON.stringify([graph.steps, graph.edges, graph.outside]);
    this.flow.element.hidden = false;
    this.plan = graph;
    if (text !== this.flow.text || !this.flow.graph) this.flow.draw(graph);
    else this.flow.graph = graph;
    this.flow.text = text;
  }

  // How the run stands that is shown: the one that was chosen, or the newest.
  async live() {
    const { context } = this;
    const which = this.pinned ?? this.plan?.run;
    if (!which) { this.running = false; this.flow.say(new Map(), false); this.said(null); return; }
    const found = await context.ask("live", { run: which });
    if (which !== (this.pinned ?? this.plan?.run)) return;
    this.shown = found;
    this.running = found.run.status === "running";
    const states = new Map();
    for (const step of found.steps) states.set(step.stem, [...(states.get(step.stem) ?? []), step]);
    this.states = states;
    this.flow.say(states, this.running);
    this.said(found);
  }

  said(found) {
    const { el, button, say, context } = { ...this.context, context: this.context };
    if (!found) { this.renew(this.about, Boolean(this.plan), () => [this.plan && "not run yet"]); return; }
    const { run } = found;
    const stopping = run.tags.stop && run.status === "running" ? " (asked to stop)" : "";
    this.renew(this.about, [run, this.pinned], () => [
      el("span", { class: `nbp-state nbp-is-${run.status}`, text: `${run.name} ${run.status}${stopping}` }),
      el("span", { text: `${say.when(run.started_at)}${run.seconds === null ? "" : `, took ${say.duration(run.seconds)}`}${run.tags.for ? `, for ${run.tags.for}` : ""}` }),
      this.pinned && button("Newest run", () => { this.pinned = null; this.shut(); this.live(); }),
      run.status === "running" && !stopping && button("Stop…", () => context.act("stop", { run: run.name }, { title: `Stop ${run.name}`, run: "Stop it" })),
      (run.status === "failed" || run.status === "killed") && button("Resume…", () => this.resume(run.name)),
      run.error && el("span", { class: "nbp-bad", text: whyOf(run.error) }),
    ]);
  }

  async insert(name) { await this.context.insertCell(await this.context.cellLine("run", { name })); }

  async resume(run) {
    this.pinned = null;
    await this.context.act("resume", { run }, { title: `Resume ${run}`, run: "Go on with it" });
  }

  pin(run) {
    this.pinned = run;
    this.shut();
    this.pages.choose(0);
    this.live().catch((error) => this.wrong.replaceChildren(this.context.fail(error)));
  }

  // While a run goes on, its cells are looked at more often than the store changes.
  tick() {
    setTimeout(async () => {
      if (!this.root.isConnected) return;
      const seen = document.visibilityState === "visible" && this.root.getClientRects().length > 0;
      if (seen && this.running) {
        try {
          await this.live();
          if (this.again && this.following) await this.again();
        } catch {
          // The frame says that the store is away, and asks again.
        }
      }
      this.tick();
    }, BEAT);
  }

  aside(title, again, following, ...children) {
    const { el, button } = this.context;
    this.again = again;
    this.following = following;
    const same = !this.side.hidden && this.title === title;
    const top = this.side.scrollTop;
    this.title = title;
    this.side.hidden = false;
    const close = button("Close", () => { this.shut(); this.flow.mark(); }, { "aria-label": `Close ${title}` });
    const focused = same && this.side.contains(document.activeElement) ? document.activeElement : null;
    this.side.replaceChildren(el("div", { class: "nbp-sidehead" }, el("h2", { text: title }), close), ...children.filter(Boolean));
    this.side.scrollTop = same ? top : 0;
    // What had the focus has it again, where it is there again.
    if (focused) [...this.side.querySelectorAll(focused.tagName)].find((one) => one.textContent === focused.textContent)?.focus({ preventScroll: true });
    this.flow.reach(this.flow.chosen);
    // Where it stands below, in a narrow place, it has to be seen that it came.
    if (!same && this.side.offsetTop > this.flow.element.offsetTop + 40) this.side.scrollIntoView({ block: "nearest" });
  }

  // --- one step ----------------------------------------------------------------------------------

  async step(name, fresh = false) {
    const parts = this.states?.get(name) ?? [];
    const step = this.plan?.steps.find((one) => one.name === name);
    if (!step) return; // the graph is on its way, or it is there no more
    if (parts.length === 1) { await this.part(step, parts[0], fresh); return; }
    turnOf(this, "again", fresh);
    this.aside(name, () => this.step(name, true), false, ...this.facts(step), ...this.parts(step, parts));
  }

  facts(step) {
    const { facts, button, context, el } = { ...this.context, context: this.context };
    const told = facts([["notebook", step.notebook], ["reads", step.reads.join(", ")], ["checks", step.checks.join(", ")], ["writes", step.writes.join(", ")], ["parameters", step.parameters.join(", ")], ["runs when", step.when]], "Facts");
    return [el("h3", { text: "The notebook" }), el("div", { class: "nbp-bar" },
      button("Open notebook", () => context.openNotebook(step.notebook)),
      button("Run from here…", () => context.act("run", { name: this.base, start: [step.name] }, { title: `Run ${this.base} from ${step.name}`, run: "Run" })),
      button("Only this…", () => context.act("run", { name: this.base, only: [step.name] }, { title: `Run ${step.name} alone`, run: "Run" })),
      button("Why?", () => this.explain(step.name))), told];
  }

  parts(step, parts) {
    const { el, say } = this.context;
    if (!parts.length) return [el("p", { class: "nbp-muted", text: this.running ? "It waits for the steps before it." : "It is not in this run." })];
    const row = (part) => el("li", {}, el("button", { type: "button", class: "nbp-part", on: { click: () => this.part(step, part) } },
      el("span", { class: `nbp-state nbp-is-${kindOf(part.state)}`, text: part.state.replaceAll("_", " ") }), el("b", { text: part.name.slice(part.stem.length) || part.name }), el("span", { class: "nbp-muted", text: say.duration(part.seconds) })));
    const sorted = [...parts].sort((one, other) => URGENT.indexOf(one.state) - URGENT.indexOf(other.state) || one.name.localeCompare(other.name, "en", { numeric: true }));
    return [el("h3", { text: say.count(parts.length, "part") }), el("ul", { class: "nbp-list" }, sorted.map(row))];
  }

  async part(step, given, fresh = false) {
    const { facts, say, context, button } = { ...this.context, context: this.context };
    const lasts = turnOf(this, "again", fresh);
    const part = this.shown?.steps.find((one) => one.name === given.name) ?? given;
    const many = (this.states.get(step.name) ?? []).length > 1;
    const wrong = kindOf(part.state) === "failed" && context.fail({ message: part.why });
    let [reasons, said] = [[], []];
    try {
      if (part.state === "completed" && part.run) ({ reasons } = await context.ask("why", { run: part.run }));
      const found = part.run ? await context.ask("output", { run: part.run, start: this.from?.run === part.run ? this.from.start : 0 }) : null;
      said = found ? this.cells(found, part, () => this.part(step, part)) : [];
    } catch (error) {
      said = [context.fail(error)];
    }
    if (!lasts()) return;
    const told = facts([["state", part.state.replaceAll("_", " ")], ["why", wrong ? null : part.why], ["ran because", reasons.join("; ")], ["run", part.run], ["took", say.duration(part.seconds)], ["usually", say.duration(part.expected)],
      ["cell", part.cell ? `${part.cell}, ${part.done} of ${part.cells} done` : null]], "How it stands");
    const back = many && button(`All ${this.states.get(step.name).length} parts`, () => this.step(step.name));
    this.aside(part.name, () => this.part(step, part, true), part.state === "running", back, wrong, told, ...said, ...this.facts(step));
  }

  cells(found, part, again) {
    const { el, say, button } = this.context;
    const turn = (start) => () => { this.from = { run: part.run, start }; return again(); };
    const size = Math.max(1, found.cells.length);
    const pages = found.total > found.cells.length ? el("div", { class: "nbp-bar" },
      button("Earlier cells", turn(Math.max(0, found.start - 40)), { disabled: found.start === 0 }), el("span", { class: "nbp-muted", text: `cells ${found.start + 1} to ${found.start + size} of ${found.total}` }),
      button("Later cells", turn(found.start + size), { disabled: found.start + size >= found.total })) : null;
    const one = (cell) => el("details", { class: `nbp-fold nbp-cell-${cell.status ?? "none"}`, open: this.folds.get(`${part.run} ${cell.number}`) ?? (cell.status === "running" || kindOf(cell.status) === "failed" || (cell.outputs.length > 0 && kindOf(part.state) === "finished")),
      on: { click: (event) => { if (event.target.closest("summary")) this.folds.set(`${part.run} ${cell.number}`, !event.currentTarget.open); } } },
      el("summary", { class: "nbp-check" }, el("span", { class: `nbp-state nbp-is-${kindOf(cell.status)}`, text: `cell ${cell.number}` }), el("code", { class: "nbp-clip", text: cell.source.split("\n")[0] }), el("span", { class: "nbp-muted", text: [cell.status?.replaceAll("_", " "), say.duration(cell.seconds)].filter(Boolean).join(" · ") })),
      el("pre", { class: "nbp-log", text: cell.source }), cell.left_out > 0 && el("p", { class: "nbp-muted", text: `${cell.left_out} outputs before these` }), cell.outputs.map((output) => this.output(output)));
    const code = found.cells.filter((cell) => cell.type === "code");
    return [el("h3", { text: "What its cells said" }), pages, ...code.map(one)].filter(Boolean);
  }

  output(output) {
    const { el } = this.context;
    if (output.kind !== "picture") return el("pre", { class: output.kind === "error" ? "nbp-bad" : "", text: output.text });
    const picture = document.createElement("img");
    picture.src = `data:image/png;base64,${output.png}`; // never any other type: what is in it is not run
    picture.alt = output.text || "a picture";
    picture.className = "nbp-picture";
    return picture;
  }

  // --- what would run, and a run -----------------------------------------------------------------

  async explain(only = null) {
    const { el, say, context } = { ...this.context, context: this.context };
    const tone = { run: "running", skip: "finished", depends: "warned" };
    const lasts = turnOf(this, "again");
    this.pages.choose(0);
    try {
      const [found, line] = await Promise.all([context.ask("explain", { name: this.base }), context.line("explain", { name: this.base })]);
      if (!lasts()) return;
      const steps = only ? found.steps.filter((one) => one.step === only) : found.steps;
      const counted = (will) => found.steps.filter((one) => one.will === will).length;
      this.aside(only ? `Why ${only} would run, or not` : "What would run now", null, false, context.lineOf(line),
        el("p", { class: "nbp-muted", text: `${say.count(counted("run"), "step")} would run, ${counted("skip")} be skipped, ${counted("depends")} depend on those before` }),
        el("ul", { class: "nbp-list" }, steps.map((one) => el("li", {}, el("span", { class: `nbp-state nbp-is-${tone[one.will]}`, text: `${one.step}: ${one.will}` }), el("ul", {}, one.why.map((text) => el("li", { text })))))));
    } catch (error) {
      if (lasts()) this.aside("What would run now", null, false, context.fail(error));
    }
  }

  async ask(target = this.base, schedule = null) {
    const lasts = turnOf(this, "again");
    this.pages.choose(0);
    const frozen = [...new Set([...Object.values(this.record.aliases), this.record.newest].filter(Boolean))];
    const form = new RunForm(this.context, { targets: [...new Set([target, this.base, ...frozen])], target, schedule });
    this.aside(`Run ${this.name}`, null, false, form.element);
    await form.start(async () => { this.pinned = null; if (lasts()) this.shut(); await this.reload(); });
  }
}

// Why a run failed, as its step says it; the name of the error alone where nothing more is said.
function whyOf(error) {
  const plain = URGENT.includes(error.name) || !error.name;
  return plain ? error.value || error.name : [error.name, error.value].filter(Boolean).join(": ");
}

// The colour of a state of a step or cell, in the words that runs have.
function kindOf(state) {
  if (state === "completed" || state === "skipped") return "finished";
  if (["failed", "timed_out", "kernel_died", "cancelled"].includes(state)) return "failed";
  return state === "running" ? "running" : "waiting";
}
