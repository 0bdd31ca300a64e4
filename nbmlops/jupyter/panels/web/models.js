// The panel of models: all of them, the versions of one by their aliases, and beside them a version and its verdicts.

panels.register("models", {
  title: "Models",
  async draw(root, context) {
    const view = new ModelsView(root, context);
    context.arrive = (ref) => view.open(ref);
    await view.start();
  },
});

const FINAL = "production";

// The versions that another can be compared with: the one in production first, then those with an alias, the newest, …
function refsOf(aliased, versions) {
  const final = aliased.filter((card) => card.aliases.includes(FINAL));
  return [...new Set([...final, ...aliased, ...versions].map((card) => card.ref))];
}

class ModelsView extends VersionsView {
  noun = "model";
  said = { all: "‹ All models", deleted: "Deleted models" };

  // --- all models ------------------------------------------------------------------------------

  async names({ keep = false } = {}) {
    const { el, button, say, context } = this.words();
    const lasts = turnOf(this, "at", keep);
    const [rows, waiting] = await Promise.all([context.ask("names"), context.ask("waiting")]);
    if (!lasts() || (!changedSince(this, "names", [rows, waiting]) && keep)) return;
    if (!(keep && this.at.list === "names" && this.list)) {
      this.at = { list: "names" };
      this.count = el("span", { class: "nbp-muted", role: "status" });
      this.bar.replaceChildren(button("Deleted", () => { this.closeSide(); this.deleted(); }), this.count);
      const columns = [{ key: "name", title: "model", width: 150 }, { key: "number", title: "newest", width: 70, cell: (row) => row.number ? `v${row.number}` : row.ref }, ...this.columns()];
      this.put(context.table({ label: "Models", columns, rows, id: (row) => row.name, sort: { key: "name", descending: false }, onOpen: (row) => { this.closeSide(); this.into(row.name); } }));
    } else this.list.show(rows, { keep: true });
    this.fit(rows.length);
    this.count.textContent = rows.length ? say.count(rows.length, "model") : "";
    this.above.replaceChildren(...waiting.map((ask) => this.ask(ask)));
    this.nothing(rows.length ? null : context.empty("No models yet. The first: give a fitted estimator a name.", "model save MODEL NAME"));
  }

  columns() {
    const { say } = this.context;
    return [
      { key: "message", title: "message", width: 180 },
      aliasesOf,
      { key: "estimator", title: "estimator", cell: (row) => row.estimator.split(".").at(-1) },
      { key: "signature", title: "signature" },
      { key: "size", title: "size", number: true, cell: (row) => say.size(row.size) },
      { key: "created_at", title: "saved", width: 165, cell: (row) => say.when(row.created_at) },
      { key: "author", title: "author" },
    ];
  }

  // --- the board of one model ------------------------------------------------------------------

  async into(name, { keep = false } = {}) {
    const { say, context } = this.words();
    const lasts = turnOf(this, "at", keep);
    let found;
    try {
      found = await Promise.all([context.ask("board", { name }), context.ask("outline", { name }), context.ask("versions", { name }), context.ask("waiting", { name })]);
    } catch (error) {
      if (lasts()) await backToNames(this, error);
      return;
    }
    const [aliased, outline, newest, waiting] = found;
    const same = keep && this.at.name === name;
    // As many pages as were looked at: what moved on one of them moves here.
    const pages = same ? this.at.pages : 1;
    const rest = await Promise.all(outline.anchors.slice(0, pages - 1).map((after) => context.ask("versions", { name, after })));
    if (!lasts()) return;
    if (!changedSince(this, "board", [name, found, rest]) && same) return;
    this.at = { list: "board", name, pages, anchors: outline.anchors, aliases: [...new Set(aliased.flatMap((card) => card.aliases))], refs: refsOf(aliased, [newest, ...rest].flat()) };
    if (!same) this.head(name);
    this.count.textContent = say.count(outline.total, "version");
    const scrolled = this.left.querySelector(".nbp-board")?.scrollLeft ?? 0;
    this.left.replaceChildren(this.drawn(name, aliased, [newest, ...rest].flat(), waiting));
    this.left.firstChild.scrollLeft = scrolled;
  }

  drawn(name, aliased, versions, waiting) {
    const { el, button, context } = this.words();
    const order = [...this.at.aliases.filter((alias) => alias !== FINAL).sort(), FINAL];
    const free = versions.filter((card) => !card.aliases.length);
    const list = el("div", { class: "nbp-stack" }, free.map((card) => this.card(card)));
    const more = button("Show older", async () => {
      const next = await context.ask("versions", { name, after: this.at.anchors[this.at.pages - 1] });
      this.at.pages += 1;
      list.append(...next.filter((card) => !card.aliases.length).map((card) => this.card(card)));
      more.hidden = this.at.pages > this.at.anchors.length;
    }, { hidden: this.at.pages > this.at.anchors.length });
    return el("div", { class: "nbp-board", role: "group", "aria-label": `Versions of ${name} by alias`, tabindex: "0" },
      this.lane("no alias", null, free.length ? [list, more] : [el("p", { class: "nbp-muted", text: "none" }), more]),
      waiting.length > 0 && this.lane("waiting for approval", null, waiting.map((ask) => this.ask(ask))),
      order.map((alias) => this.lane(alias, name, aliased.filter((card) => card.aliases.includes(alias)).map((card) => this.card(card, alias)))));
  }

  lane(title, name, cards) {
    const { el, button } = this.context;
    const moves = name && cards.length ? [
      button("Roll back…", () => this.rollback(name, title), { "aria-label": `Roll ${title} back…` }),
      button("Rehearse…", () => this.context.act("drill", { name, alias: title }, { title: `Rehearse a rollback of ${title}`, run: "Rehearse", about: "The alias stays; it is timed, and a report is kept." }), { "aria-label": `Rehearse a rollback of ${title}…` }),
    ] : [];
    return el("section", { class: "nbp-lane", "aria-label": title }, el("h3", { text: title }), el("div", { class: "nbp-bar" }, moves), cards.length ? cards : el("p", { class: "nbp-muted", text: "nothing yet: promote a version" }));
  }

  card(card, alias = null) {
    const { el, say } = this.context;
    const others = card.aliases.filter((one) => one !== alias);
    return el("article", { class: "nbp-card", "aria-label": card.ref },
      el("button", { type: "button", class: "nbp-cardhead", on: { click: () => this.open(card.ref) } }, el("b", { text: card.ref }), verdictOf(card.judged)),
      others.length > 0 && chips(others),
      card.message && el("p", { class: "nbp-three", text: card.message, title: card.message }),
      el("p", { class: "nbp-muted nbp-three", text: `${card.estimator.split(".").at(-1)}, ${card.signature}` }),
      el("p", { class: "nbp-muted", text: `${say.when(card.created_at)} by ${card.author}` }));
  }

  // A promotion that waits for others.
  ask(ask) {
    const { el, button, say } = this.context;
    return el("article", { class: "nbp-card nbp-waits", "aria-label": `${ask.ref} waits` },
      el("button", { type: "button", class: "nbp-cardhead", on: { click: () => this.open(ask.ref) } }, el("b", { text: ask.ref }), el("span", { class: "nbp-warn", text: `→ ${ask.alias}` })),
      ask.message && el("p", { class: "nbp-three", text: ask.message, title: ask.message }),
      el("p", { class: "nbp-muted", text: `asked by ${ask.author}, ${say.when(ask.at)}; report ${ask.report}` }),
      el("p", { class: "nbp-muted", text: `${ask.approvals.length} of ${say.count(ask.needed, "approval")}${ask.approvals.map((one) => `, ${one.by}${one.same ? " (of the account that asked)" : ""}`).join("")}` }),
      el("div", { class: "nbp-bar" }, button("Approve…", () => this.answer("approve", ask), { "aria-label": `Approve ${ask.ref}…` }), button("Reject…", () => this.answer("reject", ask), { "aria-label": `Reject ${ask.ref}…` })));
  }

  // --- what may be done ------------------------------------------------------------------------

  answer(verb, ask) {
    const [title, run] = verb === "approve" ? [`Approve ${ask.ref} for ${ask.alias}`, "Approve"] : [`Reject ${ask.ref} for ${ask.alias}`, "Reject"];
    this.fill(title, [{ name: "message", label: "message", hint: "why" }], (given) => [verb, { ref: ask.ref, to: ask.alias, ...given }], { run });
  }

  promote(ref) {
    const known = [...new Set([FINAL, "staging", "champion", ...(this.at.aliases ?? [])])];
    const inputs = [{ name: "to", label: "alias", value: FINAL, list: known }, { name: "message", label: "message", hint: "why" }];
    this.fill(`Promote ${ref}`, inputs, (given) => ["promote", { ref, to: given.to || FINAL, message: given.message }],
      { run: "Judge and promote", about: "Its gate judges it first; the alias moves only when that passes." }, () => this.beside.verdicts?.());
  }

  async rollback(name, alias) {
    const { context } = this;
    const title = `Roll ${alias} of ${name} back`;
    let about;
    try {
      const back = await context.ask("way_back", { name, alias });
      about = `${alias} goes from ${back.before} back to ${back.after}, saved ${context.say.when(back.saved)}${back.message ? `: ${back.message}` : ""}.`;
    } catch (error) {
      about = context.fail(error);
    }
    await context.act("rollback", { name, alias }, { title, run: "Roll back", about });
  }

  remove(ref) { this.context.act("delete", { ref }, { title: `Delete ${ref}`, run: "Delete", about: "It is hidden until it is restored, or until the grace period ends." }); }

  // --- one version -----------------------------------------------------------------------------

  async open(ref) {
    const { el, context } = this.words();
    const lasts = this.turning();
    let version;
    let run = null;
    try {
      version = await context.ask("version", { ref });
      run = version.run_id ? await context.ask("run", { run_id: version.run_id }) : null;
    } catch (error) {
      if (lasts()) this.aside(ref, context.fail(error));
      return;
    }
    if (!lasts()) return; // another one was opened meanwhile
    if (this.at.list !== "board" || this.at.name !== version.name) await this.into(version.name);
    if (!lasts()) return;
    this.place = el("div", {});
    const facts = el("div", {});
    const gate = el("div", {});
    const pages = [
      { name: "overview", title: "Overview", draw: (box) => { box.replaceChildren(facts); facts.replaceChildren(...this.facts(version, run)); } },
      { name: "gate", title: "Verdicts", draw: (box) => { box.replaceChildren(gate); return this.reports(version, gate); } },
      { name: "signature", title: "Signature", draw: (box) => box.replaceChildren(...signatureOf(version)) },
      { name: "card", title: "Card", draw: (box) => this.modelCard(version, box) },
      { name: "diff", title: "Differences", draw: (box) => { if (!box.childElementCount) this.differences(version, box); } },
      { name: "lineage", title: "Lineage", draw: (box) => this.lineage(version, box) },
    ];
    const tabbed = context.tabs(pages, { label: `About ${version.ref}` });
    this.aside(version.ref, this.actions(version), this.place, tabbed);
    this.beside.verdicts = () => { if (tabbed.isConnected) tabbed.choose(1); };
    this.follow(version, lasts, async (changed) => {
      if (!changed) return;
      facts.replaceChildren(...this.facts(version, run));
      if (gate.isConnected && gate.childElementCount) await this.reports(version, gate);
    });
  }

  actions(version) {
    const { el, button, context } = this.words();
    const { ref } = version;
    const load = async () => context.insertCell(`model = ${await context.cellLine("load", { ref })}`);
    const serve = async () => context.insertCell(await context.line("serve", { ref }));
    return el("div", { class: "nbp-bar" },
      button("Promote…", () => this.promote(ref), { class: "nbp-button nbp-primary" }),
      button("Load into notebook", load, { title: "Inserts the line that loads it" }),
      button("Serve", serve, { title: "Gives the line that serves it over HTTP" }), button("Push…", () => this.push(ref)), button("Delete…", () => this.remove(ref)));
  }

  facts(version, run) {
    const { el, facts, say } = this.context;
    const libraries = Object.entries(version.libraries).map(([name, number]) => `${name} ${number}`).join(", ");
    const pairs = (title, values, told) => values && Object.keys(values).length ? [el("h3", { text: title }), facts(Object.entries(values).map(([name, value]) => [name, told(value)]), title)] : [];
    return [
      facts([
        ["message", version.message && el("span", { class: "nbp-whole" }, folded(version.message))], ["saved", `${say.when(version.created_at)} by ${version.author}`],
        ["aliases", version.aliases.length ? chips(version.aliases) : null], ["verdict", verdictOf(version.judged)], ["approval", version.asked.join("; ")],
        ["estimator", version.estimator], ["learnt from", version.inputs.join(", ")], ["run", run && `${run.name}, ${run.status}`], ["notebook", version.notebook],
        ["size", say.size(version.size)], ["format", `${version.format}, signed by key ${version.signer}`], ["libraries", libraries], ["digest", el("code", { text: version.digest })],
      ], `Facts of ${version.ref}`),
      ...pairs(`Metrics of ${run?.name}`, run?.metrics, say.number), ...pairs(`Params of ${run?.name}`, run?.params, say.value),
    ];
  }

  // What is told of it to people who did not make it.
  async modelCard(version, box) {
    const { context } = this;
    const { ref } = version;
    await drawAsked(context, box, () => Promise.all([context.ask("card", { ref }), context.line("card", { ref })]),
      ([found, line]) => [context.lineOf(line), shown(found.html, `Card of ${ref}`)]);
  }

  // What differs from another version: from the one in production, where nothing else is chosen.
  differences(version, box) {
    const { el, context } = this.words();
    const others = this.at.refs.filter((ref) => ref !== version.ref);
    if (!others.length) {
      box.replaceChildren(el("p", { class: "nbp-muted", text: "It is the only version." }));
      return;
    }
    const body = el("div", {});
    const draw = () => {
      const params = { before: before.value, after: version.ref };
      return drawAsked(context, body, () => Promise.all([context.ask("diff", params), context.line("diff", params)]),
        ([found, line]) => [context.lineOf(line), shown(found.html, `From ${found.before} to ${found.after}`)]);
    };
    const before = el("select", { "aria-label": "Compare with", on: { change: draw } }, others.map((ref) => el("option", { value: ref, text: ref })));
    box.replaceChildren(el("label", { class: "nbp-field" }, el("span", { text: "from" }), before), body);
    draw();
  }

  // Every report on the version, the newest first and unfolded: each check with its figure and bound, and what it rests on.
  async reports(version, box) {
    const { el, context } = this.words();
    await drawAsked(context, box, () => context.ask("reports", { ref: version.ref }), (found) => found.length ? found.map((report, place) => this.report(report, place === 0))
      : [el("p", { class: "nbp-muted", text: "Nothing has judged it yet: its gate does when it is promoted." })]);
  }

  report(report, open) {
    const { el, button, say, context } = this.words();
    const outcomes = report.outcomes.map((one) => el("li", {}, el("span", { class: `nbp-state nbp-is-${one.status}`, text: one.status }), " ", el("b", { text: one.label }),
      el("div", { class: "nbp-whole", text: [one.figure, one.bound && `bound ${one.bound}`, one.detail, one.reason && `because ${one.reason}`, one.owner && `ask ${one.owner}`].filter(Boolean).join(", ") })));
    const rests = el("div", {});
    const look = button("What it rests on", async () => {
      look.hidden = true;
      await drawAsked(context, rests, () => context.ask("report", { number: report.id }), (whole) => [shown(whole.html, `Report ${report.id}`)]);
    });
    return el("details", { class: "nbp-verdict", open },
      el("summary", {}, el("span", { class: `nbp-state nbp-is-${report.status}`, text: report.status }), ` ${report.suite} (report ${report.id}), ${say.when(report.created_at)}`),
      el("ul", { class: "nbp-outcomelist" }, outcomes), look, rests);
  }
}
