// The panel of data: names, the versions of one, and beside them a version with its columns, differences and lineage.

panels.register("data", {
  title: "Data",
  async draw(root, context) {
    const view = new DataView(root, context);
    context.arrive = (ref) => view.into(ref.split("@")[0], { ref });
    await view.start();
  },
});

const ALL_HERE = 100;

class DataView extends VersionsView {
  noun = "data";
  said = { all: "‹ All names", deleted: "Deleted data" };

  // --- lists -----------------------------------------------------------------------------------

  async names({ keep = false } = {}) {
    const { el, button, say, context } = this.words();
    const lasts = turnOf(this, "at", keep);
    const rows = await context.ask("names");
    if (!lasts() || (!changedSince(this, "names", rows) && keep)) return;
    this.all = rows;
    if (!(keep && this.at.list === "names" && this.list)) {
      this.at = { list: "names" };
      this.find = el("input", { type: "search", class: "nbp-input", placeholder: "name, message or tag", "aria-label": "Find data by name, message or tag", spellcheck: "false", on: { input: context.debounced(() => { if (this.at.list === "names") this.found(); }) } });
      this.count = el("span", { class: "nbp-muted", role: "status" });
      this.bar.replaceChildren(this.find, button("Deleted", () => this.deleted()), this.count);
      this.put(context.table({ label: "Data", columns: [this.column.name(), this.column.number("newest"), ...this.columns()], rows, id: (row) => row.name, sort: { key: "name", descending: false }, onOpen: (row) => this.into(row.name, { ref: row.ref }) }));
    }
    this.found();
    if (!rows.length) this.nothing(context.empty("No data yet. The first: put a table, a file or a folder in a version.", "data save df NAME", "data save FILE NAME"));
    else if (this.count.textContent === "") this.count.textContent = say.count(rows.length, "name");
  }

  found() {
    const { say } = this.context;
    const wanted = this.find.value.trim().toLowerCase();
    const has = (row) => [row.name, row.message ?? "", ...Object.keys(row.placed), ...Object.entries(row.tags).flat()].some((text) => text.toLowerCase().includes(wanted));
    const rows = wanted ? this.all.filter(has) : this.all;
    this.list.show(rows, { keep: true });
    this.fit(rows.length);
    this.count.textContent = wanted ? `${rows.length.toLocaleString("en")} of ${say.count(this.all.length, "name")}` : say.count(this.all.length, "name");
    this.nothing(rows.length || !wanted ? null : this.context.empty("No name, message or tag has that in it."));
  }

  async into(name, { keep = false, ref = null } = {}) {
    const { button, say, context } = this.words();
    const lasts = turnOf(this, "at", keep);
    let source;
    try {
      source = await history(context, name);
    } catch (error) {
      if (lasts()) await backToNames(this, error);
      return;
    }
    if (!lasts()) return;
    const here = source.total <= ALL_HERE;
    const made = !(keep && this.at.name === name && this.at.here === here && this.list);
    if (made) {
      this.at = { list: "versions", name, here };
      this.compare = button("Compare", () => this.compared(this.list.selected), { disabled: true });
      this.head(name, this.compare);
      const columns = [this.column.number(), ...this.columns()].map((column) => here ? column : { ...column, sort: false });
      this.put(context.table({ label: `Versions of ${name}`, columns, size: source.size, rows: here ? source.first : null, source: here ? null : source, id: (row) => row.ref,
        onOpen: (row) => this.open(row.ref), onSelect: (refs) => this.ticked(refs), onError: (error) => context.notify(error.message, "bad") }));
    } else this.list.show(here ? source.first : source, { keep: true });
    this.fit(source.total);
    this.count.textContent = say.count(source.total, "version");
    this.nothing(null);
    this.follows = true; // nobody asked for this one: the list stays in sight
    if (ref) await this.open(ref);
    this.follows = false;
  }

  columns() {
    const { say } = this.context;
    return [
      { key: "message", title: "message", width: 180 },
      { key: "rows", title: "rows", number: true, cell: (row) => row.rows === null ? "" : say.number(row.rows) },
      { key: "size", title: "size", number: true, cell: (row) => say.size(row.size) },
      { key: "new_bytes", title: "new bytes", number: true, hint: "what this version added to the store", cell: (row) => say.size(row.new_bytes) },
      { key: "columns", title: "columns", number: true, cell: (row) => row.columns ? say.number(row.columns) : "" },
      { key: "created_at", title: "saved", cell: (row) => say.when(row.created_at), width: 165 },
      { key: "author", title: "author" },
      aliasesOf,
      { key: "tags", title: "tags", value: (row) => JSON.stringify(row.tags), cell: (row) => Object.entries(row.tags).map(([key, value]) => `${key}=${value}`).join(", ") },
      { key: "judged", title: "checked", value: (row) => row.judged?.[1] ?? null, cell: (row) => row.judged ? verdictOf(row.judged) : "" },
      { key: "format", title: "kind" },
    ];
  }

  column = {
    name: () => ({ key: "name", title: "name", width: 150 }),
    number: (title = "version") => ({ key: "number", title, width: 76, cell: (row) => row.number ? `v${row.number}` : row.ref }),
  };

  ticked(refs) {
    this.compare.disabled = refs.length !== 2;
    this.compare.textContent = refs.length > 2 ? "Compare (two)" : "Compare";
  }

  // --- beside the list -------------------------------------------------------------------------

  async open(ref) {
    const { el, context } = this.words();
    const lasts = this.turning();
    let version;
    try {
      version = await context.ask("version", { ref });
    } catch (error) {
      if (lasts()) this.aside(ref, context.fail(error));
      return;
    }
    if (!lasts()) return; // another one was opened meanwhile
    this.place = el("div", {});
    const facts = el("div", {});
    const pages = [
      { name: "overview", title: "Overview", draw: (box) => { box.replaceChildren(facts); facts.replaceChildren(this.facts(version)); } },
      version.format === "table" && { name: "columns", title: "Columns", draw: (box) => { if (!box.childElementCount) this.schema(version, box); } },
      { name: "diff", title: "Differences", draw: (box) => { if (!box.childElementCount) this.differences(version, box); } },
      { name: "lineage", title: "Lineage", draw: (box) => this.lineage(version, box) },
    ].filter(Boolean);
    this.aside(version.ref, this.actions(version), this.place, context.tabs(pages, { label: `About ${version.ref}` }));
    this.follow(version, lasts, async (changed) => {
      if (changed) facts.replaceChildren(this.facts(version));
      if (changed || !this.charted) await this.beside.charts?.();
    });
  }

  actions(version) {
    const { el, button, context } = this.words();
    const { ref } = version;
    const load = async () => context.insertCell(`df = ${await context.cellLine("load", { ref })}`);
    return el("div", { class: "nbp-bar" },
      button("Load into notebook", load, { class: "nbp-button nbp-primary", title: "Inserts the line that loads it" }),
      button("Tag…", () => this.fill(`Tag ${ref}`, [{ name: "key", label: "key", hint: "region" }, { name: "value", label: "value", hint: "NYC" }], (given) => ["tag", { ref, ...given }])),
      button("Alias…", () => this.fill(`Move an alias to ${ref}`, [{ name: "alias", label: "alias", hint: "golden" }], (given) => ["alias", { ref, ...given }])),
      version.format === "table" && button("Check…", () => context.act("check", { ref }, { title: `Check ${ref}`, run: "Check", about: "By what the version before it looked like." })),
      version.format === "table" && button("Blame…", () => context.act("blame", { ref }, { title: `Who last changed each column of ${ref}`, run: "Find out" })),
      button("Push…", () => this.push(ref)), button("Delete…", () => this.remove(ref)));
  }

  remove(ref) {
    this.fill(`Delete ${ref}`, [{ name: "unlock", label: "take it out of nbmlops.lock, too", tick: true }], (given) => ["delete", { ref, ...given }], { run: "Delete", about: "It is hidden until it is restored, or until the grace period ends." });
  }

  facts(version) {
    const { el, facts, say, context } = this.words();
    const { ref } = version;
    const off = (act, key) => (word) => context.act(act, { ref, [key]: word.split("=")[0] }, { title: `Take ${word} off ${ref}`, run: "Take it off" });
    const tags = Object.entries(version.tags).map(([key, value]) => `${key}=${value}`);
    const extent = version.rows !== null ? `${say.count(version.rows, "row")}, ${say.count(version.columns, "column")}` : version.shape ? `${version.shape.join(" × ")} ${version.dtype}` : version.format;
    return facts([
      ["holds", extent], ["message", version.message && el("span", { class: "nbp-whole" }, folded(version.message))],
      ["saved", `${say.when(version.created_at)} by ${version.author}`],
      ["size", say.size(version.size)], ["new bytes", version.new_bytes ? say.size(version.new_bytes) : "none: all of it was there already"],
      ["aliases", version.aliases.length ? chips(version.aliases, off("unalias", "alias")) : null], ["tags", tags.length ? chips(tags, off("untag", "key")) : null],
      ["checked", verdictOf(version.judged)], ["run", version.run], ["notebook", version.notebook], ["script", version.script],
      ["git", version.git?.commit ? `${version.git.branch}@${version.git.commit.slice(0, 8)}${version.git.dirty ? " (with changes)" : ""}` : null],
      ["from", version.source], ["query", version.query && el("code", { class: "nbp-whole" }, folded(version.query))], ["tracked", version.tracked], ["etag", version.etag],
      ["digest", el("code", { text: version.digest })],
    ], `Facts of ${ref}`);
  }

  async schema(version, box) {
    const { el, button, say, context } = this.words();
    const { ref } = version;
    const told = el("div", {});
    const detail = el("div", {});
    const count = el("span", { class: "nbp-muted", role: "status" });
    const find = el("input", { type: "search", class: "nbp-input", placeholder: "column", "aria-label": `Find columns of ${ref}`, spellcheck: "false", on: { input: context.debounced(() => this.beside.charts?.()) } });
    const shownColumns = [
      { key: "name", title: "column", width: 112 }, { key: "bars", title: "values", width: 122, cell: (row) => row.bars?.length ? (row.chart ??= barsOf(row.bars, row.name.slice(0, 80), { width: 104 })) : "" },
      { key: "type", title: "type", width: 90, cell: (row) => `${row.type}${row.nullable ? "" : ", no nulls"}` },
      ...["nulls", "distinct", "least", "median", "mean", "most"].map((key) => ({ key, title: key, number: true })), { key: "often", title: "often", width: 200 }, { key: "kind", title: "kind" },
    ].map((column) => ({ ...column, sort: false }));
    const list = context.table({ label: `Columns of ${ref}`, columns: shownColumns, rows: [], size: 60, id: (row) => row.name, onOpen: (row) => detail.replaceChildren(this.column_(row)), onError: (error) => told.replaceChildren(context.fail(error)) });
    list.element.classList.add("nbp-columns");
    box.replaceChildren(el("div", { class: "nbp-bar" }, find, count), told, list.element, detail);
    this.beside.charts = async () => {
      if (!box.isConnected) return;
      const asked = { ref, find: find.value.trim() };
      const first = await context.ask("columns", asked);
      this.charted = first.profiled;
      list.show({ total: first.total, first: first.columns, page: async (number) => (await context.ask("columns", { ...asked, start: number * 60 })).columns }, { keep: true });
      list.element.style.height = `${Math.min(420, Math.max(3, first.total) * 28 + 46)}px`;
      count.textContent = asked.find ? `${first.total} of ${say.count(version.columns, "column")}` : say.count(first.total, "column");
      const make = () => context.act("profile", { ref }, { title: `Profile ${ref}`, run: "Profile" });
      told.replaceChildren(...(first.profiled ? [] : [el("div", { class: "nbp-bar" }, el("span", { class: "nbp-muted", text: "No profile is kept with it, so there are no charts yet." }), button("Profile…", make))]));
    };
    await this.beside.charts().catch((error) => told.replaceChildren(context.fail(error)));
  }

  // A column by itself: its chart, and each bar in words.
  column_(row) {
    const { el, facts, say } = this.context;
    const told = [["name", row.name.length > 80 && row.name], ["type", row.type], ["kind", row.kind], ["personal data", row.personal], ["nulls", row.nulls], ["distinct", row.distinct], ["least", row.least], ["median", row.median], ["mean", row.mean], ["most", row.most]];
    return el("section", { class: "nbp-column", "aria-label": `Column ${row.name.slice(0, 80)}` }, el("h3", { class: "nbp-clip", text: row.name.slice(0, 200) }),
      row.bars?.length ? barsOf(row.bars, row.name.slice(0, 80), { width: 420, height: 90, told: true }) : null, facts(told, "Figures"),
      row.bars?.length ? el("details", {}, el("summary", { text: "The bars in words" }), facts(row.bars.map(([words, count]) => [words, say.number(Math.round(count))]), "Bars")) : null);
  }

  async differences(version, box) {
    const { el, context } = this.words();
    if (version.number === 1) {
      box.replaceChildren(el("p", { class: "nbp-muted", text: "It is the first version: tick two versions in the list to compare them." }));
      return;
    }
    await this.diff(box, { before: version.ref });
  }

  compared(refs) {
    const number = (ref) => Number(ref.split("@v")[1] ?? Infinity);
    const [before, after] = [...refs].sort((one, other) => number(one) - number(other));
    const box = this.context.el("div", {});
    this.turning();
    this.place = this.context.el("div", {});
    this.aside(`${before} and ${after}`, this.place, box);
    this.diff(box, { before, after });
  }

  async diff(box, params) {
    const { el, button, context } = this.words();
    const key = el("input", { type: "text", class: "nbp-input", value: params.key ?? "", placeholder: "columns that tell rows apart", "aria-label": "Key columns, apart by commas", spellcheck: "false", on: { keydown: (event) => { if (event.key === "Enter") anew(); } } });
    const anew = () => this.diff(box, { ...params, key: key.value.trim() });
    const body = el("div", {});
    box.replaceChildren(el("div", { class: "nbp-bar" }, key, button("Compare again", anew)), body);
    const line = await context.line("diff", params).catch(() => null);
    await drawAsked(context, body, () => context.ask("diff", params), (found) => [shown(found.html, `From ${found.before} to ${found.after}`), line && context.lineOf(line)]);
  }
}
