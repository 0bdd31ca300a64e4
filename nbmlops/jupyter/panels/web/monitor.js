// The panel of what answers: alerts and what to type, monitors over time, traffic by version, and the story.

panels.register("monitor", {
  title: "Monitor",
  async draw(root, context) {
    const view = new MonitorView(root, context);
    await view.start();
  },
});

const BAD = new Set(["failed", "errored"]);
const clock = (text) => Date.parse(text);
const hourOf = (milliseconds) => say.when(new Date(milliseconds).toISOString()).slice(5, 16);

class MonitorView {
  constructor(root, context) {
    this.root = root;
    this.context = context;
    this.rows = [];
    this.turn = 0;
  }

  async start() {
    const { el, context } = { ...this.context, context: this.context };
    this.which = el("select", { "aria-label": "Which model", on: { change: () => this.chosen() } });
    this.state = el("span", { role: "status" });
    this.shares = el("div", { class: "nbp-muted" });
    this.wrong = el("div");
    const page = (name, title, draw) => ({ name, title, draw: (box) => this.page(name, box, draw) });
    this.tabs = context.tabs([
      page("alerts", "Alerts", (box) => this.alerts(box)),
      page("monitors", "Monitors", (box) => this.monitors(box)),
      page("traffic", "Traffic", (box) => trafficOf(this, box)),
      page("story", "Story", (box) => storyOf(this, box)),
      page("score", "Score", (box) => scoreOf(this, box)),
    ], { label: "About what answers" });
    this.nothing = el("div", { hidden: true });
    this.content = el("div", {}, el("div", { class: "nbp-bar" }, this.which, this.state), this.shares, this.tabs);
    this.root.replaceChildren(this.wrong, this.nothing, this.content);
    context.onChange(() => this.reload());
    await this.reload();
  }

  get name() { return this.which.value; }

  async reload() {
    const { el, context } = { ...this.context, context: this.context };
    try {
      const { rows } = await context.ask("deployments");
      const before = this.name;
      this.rows = rows;
      this.wrong.replaceChildren();
      this.content.hidden = rows.length === 0;
      this.nothing.hidden = rows.length > 0;
      this.nothing.replaceChildren(context.empty("No model yet. The first: train one, and save it.", "model save ESTIMATOR NAME"));
      const failing = rows.find((row) => row.failing.length);
      const stays = rows.some((row) => row.name === before);
      this.which.replaceChildren(...rows.map((row) => el("option", { value: row.name, text: row.failing.length ? `${row.name} (${row.failing.length} failing)` : row.name })));
      this.which.value = stays ? before : (failing ?? rows[0])?.name ?? "";
      await this.chosen();
    } catch (error) {
      this.wrong.replaceChildren(context.fail(error));
    }
  }

  // Another model was chosen, or something changed: what is in sight is drawn anew.
  async chosen() {
    const row = this.rows.find((one) => one.name === this.name);
    if (!row) return;
    const placed = Object.entries(row.placed).map(([alias, ref]) => `${alias} on ${ref.split("@").at(-1)}`).join(", ");
    this.state.className = row.failing.length ? "nbp-state nbp-is-failed" : row.monitors ? "nbp-state nbp-is-passed" : "nbp-muted";
    this.state.textContent = row.failing.length ? `failing: ${row.failing.join(", ")}` : row.monitors ? `${say.count(row.monitors, "monitor")}, none fails` : "nothing watches it";
    this.shares.textContent = [`answered by ${sharesOf(row)}`, row.shadow.length ? `in shadow ${row.shadow.join(", ")}` : "", row.sticky ? `sticky by ${row.sticky}` : "", placed].filter(Boolean).join(" · ");
    this.turn += 1;
    if (this.shown) await this.shown();
  }

  // A tab: drawn when it is shown, and again when another model is chosen or the store changed.
  async page(name, box, draw) {
    this.shown = async () => {
      const turn = this.turn;
      if (!this.name || this.drawn?.get(name) === `${this.name} ${turn}`) return;
      this.drawn = (this.drawn ?? new Map()).set(name, `${this.name} ${turn}`);
      try {
        await draw(box);
      } catch (error) {
        if (turn === this.turn) box.replaceChildren(this.context.fail(error));
      }
    };
    await this.shown();
  }

  // Whether what was asked for this model is still wanted when the answer comes.
  async ask(what, params = {}) {
    const { name, turn } = this;
    const given = await this.context.ask(what, { name, ...params });
    return name === this.name && turn === this.turn ? given : null;
  }

  // --- alerts ------------------------------------------------------------------------------------

  async alerts(box) {
    const { el, context } = { ...this.context, context: this.context };
    const found = await this.ask("alerts");
    if (!found) return;
    const row = this.rows.find((one) => one.name === this.name);
    if (!found.rows.length) {
      box.replaceChildren(row.monitors ? el("p", { class: "nbp-empty", text: `None of ${say.count(row.monitors, "monitor")} fails.` })
        : context.empty("Nothing watches this model. A monitor judges what it was asked and answered:", `monitor add NAME ${this.name} drift`));
      return;
    }
    box.replaceChildren(...await Promise.all(found.rows.map((alert) => this.alert(alert, row))));
  }

  async alert(alert, row) {
    const { el, button, context } = { ...this.context, context: this.context };
    const told = [`since ${say.when(alert.opened_at)}`, alert.state === "silenced" ? "silenced" : "", alert.why].filter(Boolean).join(" · ");
    return el("section", { class: "nbp-alert", "aria-label": `Alert: ${alert.title}` },
      el("h3", { text: alert.title }), el("p", { class: "nbp-muted", text: told }),
      alert.command && context.lineOf(context.typed(alert.command)),
      row.split.length > 0 && [context.lineOf(await context.line("alone", { name: row.name })),
        button("Take shares back…", () => context.act("alone", { name: row.name }, { title: `One version for all callers of ${row.name}`, run: "Take back" }))],
      await Promise.all(alert.monitors.map((one) => this.failing(one))));
  }

  async failing(one) {
    const { el, button, context } = { ...this.context, context: this.context };
    const quiet = one.silent_until && clock(one.silent_until) > Date.now() ? `silent until ${say.when(one.silent_until)}` : "";
    const evidence = one.evidence.map((each) => el("li", {}, el("span", { class: `nbp-state nbp-is-${each.status}`, text: each.check }), " ", each.figure, each.bound && el("span", { class: "nbp-muted", text: ` bound ${each.bound}` }), each.detail && el("div", { class: "nbp-muted", text: each.detail })));
    const lines = one.report === null ? [] : [await context.line("report", { number: one.report })];
    return el("div", { role: "group", "aria-label": `Monitor ${one.name}` },
      el("p", {}, el("b", { text: one.name }), " ", el("span", { class: "nbp-muted", text: [`${one.kind}, ${one.status} since ${say.when(one.status_since)}`, `ask ${one.owner}`, quiet].filter(Boolean).join(" · ") })),
      el("ul", { class: "nbp-evidence" }, evidence, one.left > 0 && el("li", { class: "nbp-muted", text: `and ${one.left} more` })),
      [...lines, await context.line("silence", { name: one.name })].map((line) => context.lineOf(line)),
      el("div", { class: "nbp-bar" }, this.again(one), this.quiet(one),
        one.report !== null && button("Insert line", async () => context.insertCell(await context.cellLine("report", { number: one.report })))));
  }

  again(one) { return this.context.button("Look now…", () => this.context.act("run", { name: one.name }, { title: `Run ${one.name}`, run: "Look" })); }

  quiet(one) { return this.context.button("Silence…", () => this.context.act("silence", { name: one.name }, { title: `Tell nobody of ${one.name} for 2 hours`, run: "Silence" })); }

  // --- monitors ----------------------------------------------------------------------------------

  async monitors(box) {
    const { el, context } = { ...this.context, context: this.context };
    const found = await this.ask("monitors");
    if (!found) return;
    if (!found.rows.length) {
      box.replaceChildren(context.empty("Nothing watches this model. A monitor judges what it was asked and answered:", `monitor add NAME ${this.name} drift`));
      return;
    }
    if (this.list?.box !== box || !this.list.table.element.isConnected) {
      const side = el("div", { class: "nbp-side", hidden: true });
      const table = context.table({
        label: "Monitors", rows: [], columns: [
          { key: "status", title: "state", width: 104, cell: (row) => stateOf(row) },
          { key: "name", title: "monitor" }, { key: "kind", title: "looks at" },
          { key: "status_since", title: "since", width: 164, cell: (row) => say.when(row.status_since) },
          { key: "report", title: "report", number: true, width: 76 }, { key: "owner", title: "ask" },
        ],
        name: (row) => row.name, id: (row) => row.name, onOpen: (row) => this.open(row.name),
      });
      this.list = { box, table, side };
      box.replaceChildren(el("div", { class: "nbp-split" }, table.element, side));
    }
    this.list.table.show(found.rows, { keep: true });
    if (!this.list.side.hidden && found.rows.some((row) => row.name === this.list.open)) await this.open(this.list.open);
    else this.list.side.hidden = true;
  }

  async open(name) {
    const { el, button, context } = { ...this.context, context: this.context };
    const { side, table } = this.list;
    this.list.open = name;
    side.hidden = false;
    try {
      const one = await context.ask("monitor", { name });
      if (this.list.open !== name) return;
      const held = one.paused ? ["resume", "Resume…"] : ["pause", "Pause…"];
      side.replaceChildren(
        el("div", { class: "nbp-sidehead" }, el("h2", { text: one.name }), button("Close", () => { side.hidden = true; table.element.focus(); }, { "aria-label": `Close ${one.name}` })),
        el("div", { class: "nbp-bar" }, stateOf(one), this.again(one), this.quiet(one), button(held[1], () => context.act(held[0], { name }, { title: `${held[1].slice(0, -1)} ${name}`, run: held[1].slice(0, -1) }))),
        context.facts([["looks at", one.about], ["window", spanOf(one.window)], ["against", one.reference], ["bound", one.bound], ["metric", one.metric], ["severity", one.severity], ["ask", one.owner], ["report", one.report]], "The monitor"),
        ...(one.report === null ? [] : [context.lineOf(await context.line("report", { number: one.report }))]),
        looksOf(one.looks), ...one.series.map((each) => this.figure(each)));
    } catch (error) {
      side.replaceChildren(context.fail(error));
    }
  }

  figure(each) {
    const { el, context } = { ...this.context, context: this.context };
    const numbers = each.points.map((point) => point.value);
    const [low, high] = [each.low ?? Math.min(...numbers), each.high ?? Math.max(...numbers)];
    const words = [each.low === null ? "" : `from ${say.number(each.low)}`, each.high === null ? "" : `up to ${say.number(each.high)}`].filter(Boolean).join(" ");
    const bands = words && low <= high ? [{ from: low, to: high, label: `may be ${words}` }] : [];
    const rows = [...each.points].reverse().map((point) => el("tr", {}, [say.when(point.at), point.status, say.number(point.value), `report ${point.report}`].map((text) => el("td", { text, title: text }))));
    const points = each.points.map((point) => [clock(point.at), point.value]);
    return el("div", {}, context.chart({ label: each.check, lines: [{ name: each.check, points }], bands, at: hourOf, height: 120 }),
      el("p", { class: "nbp-muted", text: words ? `may be ${words}: the band` : "without a band of its own" }),
      el("details", {}, el("summary", { text: "As a table" }), el("div", { class: "nbp-wide", tabindex: "0", role: "group", "aria-label": `${each.check} over time` }, el("table", { class: "nbp-plain nbp-left" },
        el("thead", {}, el("tr", {}, ["when", "status", "figure", "report"].map((text) => el("th", { scope: "col", text })))), el("tbody", {}, rows)))));
  }
}

function stateOf(row) {
  const { text, look } = row.paused ? { text: "paused", look: "muted" } : row.status === null ? { text: "not run yet", look: "muted" } : { text: row.status, look: row.status };
  return el("span", { class: `nbp-state nbp-is-${look}`, text });
}

function sharesOf(row) {
  const left = 100 - row.split.reduce((sum, [, percent]) => sum + percent, 0);
  return [...row.split.map(([ref, percent]) => `${ref} ${say.number(percent)} %`), ...(left > 1e-9 ? [`${row.alias} ${say.number(left)} %`] : [])].join(", ");
}

function spanOf(seconds) {
  return seconds % 86400 === 0 ? say.count(seconds / 86400, "day") : say.count(seconds / 3600, "hour");
}

// How each look went: a mark for each, whose words say what its colour does.
function looksOf(looks) {
  if (!looks.length) return el("p", { class: "nbp-muted", text: "not run yet" });
  const bad = looks.filter((one) => BAD.has(one.status)).length;
  const marks = looks.map((one) => el("span", { class: `nbp-look nbp-look-${one.status}`, title: `${say.when(one.at)} ${one.status}, report ${one.report}` }));
  return el("div", { role: "img", "aria-label": `${say.count(looks.length, "look")}, ${bad} failed; the last ${looks.at(-1).status}` }, marks);
}
