// The panel of checks: where they stand, and beside it one report, or what differs between two.

panels.register("checks", {
  title: "Checks",
  async draw(root, context) {
    const view = new ChecksView(root, context);
    context.arrive = (number) => view.open(Number(number));
    await view.start();
  },
});

const WORST = ["passed", "warned", "failed", "errored"];
const MOST = 2000;

class ChecksView {
  constructor(root, context) {
    this.root = root;
    this.context = context;
    this.rows = [];
    this.next = null;
  }

  async start() {
    const { el, button, say } = this.context;
    const pick = (label, options, change) => el("select", { "aria-label": label, on: { change } }, options.map(([value, text]) => el("option", { value, text })));
    const reload = () => this.reload();
    this.which = pick("Which reports", [["standing", "newest of each suite"], ["all", "all reports"]], reload);
    this.status = pick("Status", [["", "any status"], ...[...WORST].reverse().map((one) => [one, one])], reload);
    this.section = pick("Section", [["", "any section"], ...["data", "model", "infrastructure", "production"].map((one) => [one, one])], reload);
    this.subject = el("input", { type: "search", class: "nbp-input nbp-short", placeholder: "name, or name@v3", "aria-label": "On what", spellcheck: "false", on: { input: this.context.debounced(reload, 120) } });
    this.compareButton = button("Compare", () => this.compare([...this.table.selected].sort((one, other) => one - other)), { disabled: true });
    this.count = el("span", { class: "nbp-muted", role: "status" });
    this.older = button("Older", () => this.more(), { hidden: true });
    this.wrong = el("div");
    this.side = el("div", { class: "nbp-side", hidden: true });
    this.table = this.context.table({
      label: "Reports", rows: [], columns: [
        { key: "status", title: "status", width: 92, value: (row) => WORST.indexOf(row.status), number: false, cell: (row) => this.state(row.status) },
        { key: "subject", title: "on" }, { key: "suite", title: "suite" }, { key: "section", title: "section" },
        { key: "created_at", title: "judged", width: 164, cell: (row) => say.when(row.created_at) },
        { key: "id", title: "report", number: true, width: 76 },
      ],
      name: (row) => `report ${row.id}`, onOpen: (row) => this.open(row.id),
      onSelect: (ids) => { this.compareButton.disabled = ids.length !== 2; },
    });
    this.content = el("div", { class: "nbp-split" }, this.table.element, this.side);
    this.root.replaceChildren(
      el("div", { class: "nbp-bar" }, this.which, this.subject, this.status, this.section, this.compareButton, button("Judge…", () => this.judge()), this.count),
      this.wrong, this.nothing = el("div", { hidden: true }), this.content, this.older);
    this.context.onChange(() => this.reload({ keep: true }));
    await this.reload();
  }

  state(status) { return this.context.el("span", { class: `nbp-state nbp-is-${status}`, text: status }); }

  asked() {
    return { subject: this.subject.value.trim() || null, status: this.status.value || null, section: this.section.value || null };
  }

  async reload({ keep = false } = {}) {
    const round = (this.round = (this.round ?? 0) + 1);
    try {
      const standing = this.which.value === "standing";
      const found = standing ? await this.context.ask("standing") : await this.context.ask("page", this.asked());
      if (round !== this.round) return;
      this.wrong.replaceChildren();
      this.rows = standing ? found.rows.filter((row) => this.fits(row)) : found.rows;
      this.next = standing ? null : found.next;
      this.table.show(this.rows, { keep });
      this.told();
      while (this.next !== null && this.rows.length < MOST && round === this.round) await this.more(round);
    } catch (error) {
      if (round === this.round) this.wrong.replaceChildren(this.context.fail(error));
    }
  }

  fits(row) {
    const { subject, status, section } = this.asked();
    const named = !subject || row.subject === subject || row.subject.startsWith(`${subject}@`);
    return named && (!status || row.status === status) && (!section || row.section === section);
  }

  async more(round = this.round) {
    const found = await this.context.ask("page", { ...this.asked(), before: this.next });
    if (round !== this.round) return;
    this.rows = [...this.rows, ...found.rows];
    this.next = found.next;
    this.table.show(this.rows, { keep: true });
    this.told();
  }

  told() {
    const bad = this.rows.filter((row) => row.status === "failed" || row.status === "errored").length;
    const { say } = this.context;
    this.count.textContent = `${say.count(this.rows.length, "report")}${this.next === null ? "" : " so far"}, ${bad.toLocaleString("en")} not passed`;
    this.older.hidden = this.next === null;
    const none = this.rows.length === 0;
    this.table.element.hidden = none;
    this.nothing.hidden = !none;
    if (!none) return;
    this.count.textContent = "";
    const { subject, status, section } = this.asked();
    this.nothing.replaceChildren(subject || status || section ? this.context.empty("No report is like this.")
      : this.context.empty("No reports yet. The first: save data, and judge it by what the version before it looked like.", "check data NAME"));
  }

  aside(title, ...children) {
    const { el, button } = this.context;
    this.side.hidden = false;
    const close = button("Close", () => { this.side.hidden = true; this.table.element.focus(); }, { "aria-label": `Close ${title}` });
    this.side.replaceChildren(el("div", { class: "nbp-sidehead" }, el("h2", { text: title }), close), ...children);
    this.side.scrollTop = 0;
    if (this.side.offsetTop > this.table.element.offsetTop + 40) this.side.scrollIntoView({ block: "nearest" });
  }

  // --- one report --------------------------------------------------------------------------------

  async open(number) {
    const { context } = this;
    try {
      const report = await context.ask("report", { number });
      this.aside(report.subject, ...this.page(report));
    } catch (error) {
      this.aside(`Report ${number}`, context.fail(error));
    }
  }

  page(report) {
    const { el, button, facts, say, context } = { ...this.context, context: this.context };
    const tally = [...WORST].reverse().filter((one) => report.counts[one]).map((one) => el("span", { class: `nbp-state nbp-is-${one}`, text: `${report.counts[one].toLocaleString("en")} ${one}` }));
    const before = this.rows.find((row) => row.id < report.id && row.suite === report.suite && row.section === report.section && row.subject.split("@")[0] === report.subject.split("@")[0]);
    const list = el("div", { class: "nbp-outcomes" }, report.outcomes.map((outcome) => this.outcome(report, outcome)));
    let shown = report.outcomes.length;
    const more = button("More checks", async () => {
      const next = await context.ask("report", { number: report.id, start: shown });
      shown += next.outcomes.length;
      list.append(...next.outcomes.map((outcome) => this.outcome(report, outcome)));
      more.hidden = shown >= report.total;
    }, { hidden: shown >= report.total });
    return [
      el("div", { class: "nbp-bar nbp-tally" }, tally),
      facts([["report", report.id], ["suite", report.suite], ["section", report.section], ["judged", say.when(report.created_at)], ["run", report.run]], "Facts"),
      el("div", { class: "nbp-bar" },
        button("Insert line", async () => context.insertCell(await context.cellLine("show", { number: report.id }))),
        before && button(`Compare with ${before.subject === report.subject ? `report ${before.id}` : before.subject}`, () => this.compare([before.id, report.id])),
        report.section === "data" && report.subject.includes("@") && button("Judge again…", () => this.judge(report.subject))),
      el("h3", { text: say.count(report.total, "check") }), list, more,
    ];
  }

  outcome(report, outcome) {
    const { el, say } = this.context;
    const label = outcome.column === null ? outcome.check : `${outcome.column} ${outcome.check}`;
    const body = el("div", { class: "nbp-outcome" });
    const line = el("summary", { class: "nbp-check" }, this.state(outcome.status), el("b", { text: label }),
      el("span", { text: outcome.figure || outcome.detail }), outcome.bound && el("span", { class: "nbp-muted", text: `bound ${outcome.bound}` }));
    const whole = el("details", { class: "nbp-fold" }, line, body);
    whole.addEventListener("toggle", () => { if (whole.open && !body.childElementCount) this.rests(report, outcome, body); });
    return whole;
  }

  // What a verdict rests on, and how the check went; asked for when somebody looks.
  async rests(report, outcome, body) {
    const { el, facts, context } = { ...this.context, context: this.context };
    body.append(facts([["figure", outcome.figure], ["bound", outcome.bound], ["detail", outcome.detail], ["because", outcome.reason], ["ask", outcome.owner],
      ["first rows", outcome.rows.map((row) => row.toLocaleString("en")).join(", ")]], "The check"));
    const at = { number: report.id, place: outcome.place };
    try {
      if (outcome.evidence) body.append(...(await context.ask("evidence", at)).map((one) => this.evidence(one)));
      const { points } = await context.ask("trend", at);
      body.append(points.length > 1 ? this.trend(points) : el("p", { class: "nbp-muted", text: "the first report of this suite that has the check" }));
    } catch (error) {
      body.append(context.fail(error));
    }
  }

  evidence(one) {
    const { el, context } = { el: this.context.el, context: this.context };
    if (one.kind === "note") return el("pre", { class: "nbp-log", text: one.text });
    if (one.kind === "curves") return context.chart({ label: one.title, lines: one.curves });
    if (one.kind === "bars") return this.bars(one);
    const rows = one.kind === "rows" ? one.values.map((values, place) => [one.numbers[place], ...values]) : one.cells;
    const columns = one.kind === "rows" ? ["row", ...one.columns] : one.columns;
    const title = one.kind === "rows" ? `offending rows${one.source ? ` of ${one.source}` : ""}` : one.title;
    return this.small(title, columns, rows, one.total - rows.length);
  }

  small(title, columns, rows, left) {
    const { el, say } = this.context;
    const cell = (value) => el("td", { text: value === null ? "null" : typeof value === "number" ? String(value) : say.value(value), title: say.value(value) });
    return el("div", {}, el("p", { class: "nbp-muted", text: title }),
      el("div", { class: "nbp-wide", tabindex: "0", role: "group", "aria-label": title || "Evidence" }, el("table", { class: "nbp-plain" },
        el("thead", {}, el("tr", {}, columns.map((name) => el("th", { scope: "col", text: name, title: name })))),
        el("tbody", {}, rows.map((row) => el("tr", {}, row.map(cell)))))),
      left > 0 && el("p", { class: "nbp-muted", text: `and ${left.toLocaleString("en")} more` }));
  }

  // How wide a chart is drawn: as its place, so that its words stay as large as others.
  room() { return Math.max(200, Math.min(460, this.side.clientWidth - 60)); }

  // Two amounts for each bin, beside each other: of the reference and of what was judged.
  bars(one) {
    const { el, svg } = this.context;
    const bins = Math.max(one.before.length, one.after.length);
    const share = (values) => { const sum = values.reduce((total, value) => total + value, 0) || 1; return values.map((value) => value / sum); };
    const [before, after] = [share(one.before), share(one.after)];
    const high = Math.max(...before, ...after, 1e-9);
    const [width, height] = [this.room(), 110];
    const step = width / Math.max(bins, 1);
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "nbp-chart", role: "img", "aria-label": `${one.name} ${one.words}: shares of ${bins} bins, before and now` });
    for (let place = 0; place < bins; place += 1) {
      [before, after].forEach((values, which) => {
        const tall = ((values[place] ?? 0) / high) * (height - 20);
        const title = `${one.bins[place] ?? `bin ${place + 1}`}: ${which ? "now" : "before"} ${((values[place] ?? 0) * 100).toFixed(1)}%`;
        picture.append(svg("rect", { x: place * step + step * (which ? 0.5 : 0.1), y: height - 16 - tall, width: step * 0.38, height: tall, class: `nbp-dot nbp-c${which}` }, svg("title", { text: title })));
      });
    }
    if (one.bins.length) picture.append(svg("text", { x: 0, y: height - 3, text: one.bins[0] }), svg("text", { x: width, y: height - 3, "text-anchor": "end", text: one.bins.at(-1) }));
    const key = el("div", { class: "nbp-key" }, ["before", "now"].map((text, place) => el("span", {}, el("span", { class: `nbp-swatch nbp-c${place}`, "aria-hidden": "true" }), text)));
    return el("figure", { class: "nbp-figure" }, el("figcaption", {}, el("b", { text: one.name }), " ", one.words), picture, key);
  }

  trend(points) {
    const { el, svg, say } = this.context;
    const [width, height, edge] = [this.room(), 120, 14];
    const numbers = points.map((point) => point.number).filter((number) => number !== null);
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    const across = (place) => edge + ((width - 2 * edge) * place) / Math.max(1, points.length - 1);
    const up = (number) => number === null ? height - 24 : high > low ? 10 + (height - 44) * (1 - (number - low) / (high - low)) : height / 2 - 10;
    const said = (point) => `${point.subject}: ${point.figure || "no figure"}${point.bound ? `, bound ${point.bound}` : ""}, ${point.status} (report ${point.report})`;
    const name = (point) => point.subject.split("@")[1] ?? `report ${point.report}`;
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "nbp-chart", role: "img", "aria-label": `Over ${points.length} reports: ${said(points[0])}; last ${said(points.at(-1))}` });
    const line = points.map((point, place) => [place, point]).filter(([, point]) => point.number !== null).map(([place, point]) => `${across(place).toFixed(1)},${up(point.number).toFixed(1)}`).join(" ");
    picture.append(svg("polyline", { points: line, class: "nbp-curve nbp-faint" }));
    points.forEach((point, place) => picture.append(svg("circle", { cx: across(place), cy: up(point.number), r: place === points.length - 1 ? 5 : 3.5, class: `nbp-mark nbp-mark-${point.status}` }, svg("title", { text: said(point) }))));
    picture.append(svg("text", { x: 0, y: height - 3, text: name(points[0]) }), svg("text", { x: width, y: height - 3, "text-anchor": "end", text: name(points.at(-1)) }));
    const rows = [...points].reverse().map((point) => [point.subject, point.status, point.figure, point.bound, say.when(point.created_at)]);
    const range = numbers.length ? `${say.number(low)} to ${say.number(high)} over ${points.length} reports` : `${points.length} reports, without a number`;
    return el("figure", { class: "nbp-figure" }, el("figcaption", {}, el("b", { text: "This check over versions" }), " ", el("span", { class: "nbp-muted", text: range })), picture,
      el("details", {}, el("summary", { text: "As a table" }), this.small("", ["on", "status", "figure", "bound", "judged"], rows, 0)));
  }

  // --- two reports, and new ones -----------------------------------------------------------------

  async compare([before, after]) {
    const { el, say, context } = { ...this.context, context: this.context };
    try {
      const found = await context.ask("diff", { before, after });
      const tone = { worse: "nbp-bad", better: "nbp-good", new: "nbp-warn", gone: "nbp-warn" };
      const rows = found.changes.map((change) => el("tr", {}, el("th", { scope: "row", text: change.check }), el("td", { class: tone[change.kind] ?? "", text: change.kind }),
        el("td", { text: change.before ?? "", title: change.before ?? "" }), el("td", { text: change.after ?? "", title: change.after ?? "" }), el("td", { text: change.by === null ? "" : say.number(change.by) })));
      const head = el("tr", {}, ["check", "what", "before", "after", "by"].map((text) => el("th", { scope: "col", text })));
      this.aside(`${found.before.subject} → ${found.after.subject}`, context.lineOf(await context.line("diff", { before, after })),
        el("p", { text: `reports ${before} and ${after}: ${say.count(found.changes.length, "check")} changed, ${found.same.toLocaleString("en")} the same` }),
        rows.length > 0 && el("div", { class: "nbp-wide", tabindex: "0", role: "group", "aria-label": "What changed" }, el("table", { class: "nbp-plain nbp-left" }, el("thead", {}, head), el("tbody", {}, rows))));
    } catch (error) {
      this.aside("Compare", context.fail(error));
    }
  }

  async judge(ref = "") {
    const { el, button, context } = { ...this.context, context: this.context };
    let known;
    try {
      known = await context.ask("subjects");
    } catch (error) {
      this.aside("Judge", context.fail(error));
      return;
    }
    const id = `nbp-names-${Math.random().toString(36).slice(2, 9)}`;
    const what = el("input", { class: "nbp-input", value: ref, list: id, placeholder: "flights, or flights@v3", "aria-label": "What to judge", spellcheck: "false" });
    const how = el("select", { "aria-label": "By what" }, el("option", { value: "", text: "what the version before it looked like" }), known.suites.map((path) => el("option", { value: path, text: path })));
    const title = () => `Judge ${what.value.trim()}`;
    this.aside("Judge data",
      el("datalist", { id }, known.data.map((name) => el("option", { value: name }))),
      el("label", { class: "nbp-field" }, el("span", { text: "data" }), what), el("label", { class: "nbp-field" }, el("span", { text: "by" }), how),
      el("div", { class: "nbp-bar" },
        button("Judge…", () => context.act("run", { ref: what.value.trim(), ...(how.value ? { suite: how.value } : {}) }, { title: title(), run: "Judge" }), { class: "nbp-button nbp-primary" }),
        button("By the project's policy…", () => context.act("policy", { ref: what.value.trim() }, { title: title(), run: "Judge" }))));
    what.focus();
  }
}
