// The panel of the catalog: one field over everything, facets that narrow it, and beside the list one thing.

panels.register("catalog", { title: "Catalog", draw: (root, context) => new CatalogView(root, context).start() });

const SIZE = 100;
const SPANS = [["y", 31_536_000], ["mo", 2_592_000], ["d", 86_400], ["h", 3_600], ["min", 60]];
const SAID = { age: { "1d": "within a day", "7d": "within a week", "30d": "within 30 days", older: "before that" }, use: { used: "by runs", unused: "by none" } };

// How long ago something was, in one unit.
function ago(text) {
  const seconds = Math.max(0, (Date.now() - new Date(text).getTime()) / 1000);
  const [unit, size] = SPANS.find(([, least]) => seconds >= least) ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}

class CatalogView {
  constructor(root, context) {
    Object.assign(this, { root, context, text: "", round: 0, anchors: null, again: null });
  }

  async start() {
    const { el, button, debounced, lastAsked, table } = this.context;
    this.search = lastAsked(() => { this.text = this.field.value.trim(); return this.reload({ typing: true }); });
    const first = await this.context.ask("page");
    this.restSoon = debounced(() => this.rest(), 150);
    this.refuseSoon = debounced((error, round) => { if (round === this.round) this.refuse(error); }, 500);
    const soon = debounced(() => this.search(), 80);
    this.field = el("input", { type: "search", class: "nbp-input", placeholder: "delay --owner ada --failing", "aria-label": "Search the catalog", spellcheck: "false", autocomplete: "off", on: { input: soon } });
    this.count = el("span", { class: "nbp-muted", role: "status" });
    this.wrong = el("pre", { class: "nbp-wrong", role: "alert", hidden: true });
    this.narrow = el("div", { class: "nbp-facets" });
    this.nothing = el("div", { hidden: true });
    this.side = el("section", { class: "nbp-side", hidden: true, "aria-label": "Details", on: { keydown: (event) => { if (event.key === "Escape") this.close(); } } });
    this.table = table({
      label: "Catalog", columns: this.columns(), size: SIZE, id: (row) => `${row.noun} ${row.ref}`, source: this.source(first.rows),
      onOpen: (row) => this.open(row.ref, row.noun), onError: (error) => this.context.away(error),
    });
    this.line = el("code", { class: "nbp-muted" });
    this.foot = el("div", { class: "nbp-bar", hidden: true }, this.line, button("Copy", () => this.context.copy(this.line.textContent), { class: "nbp-button nbp-quiet", "aria-label": "Copy the line of this search" }));
    this.content = el("div", { class: "nbp-split" }, this.table.element, this.side);
    this.root.replaceChildren(el("div", { class: "nbp-bar" }, this.field, this.count), this.wrong, this.narrow, this.nothing, this.content, this.foot);
    this.accept(first);
    this.context.onChange(() => this.changed());
    await this.rest();
  }

  columns() {
    const { el, say } = this.context;
    return [
      { key: "noun", title: "kind", width: 92, cell: (row) => (row.kind ??= kindOf(row.noun)) },
      { key: "ref", title: "called", width: 150 },
      { key: "owner", title: "owner", width: 92 },
      { key: "at", title: "age", width: 62, number: true, cell: (row) => ago(row.at) },
      { key: "status", title: "verdict", width: 96, cell: (row) => (row.verdict ??= row.status ? el("span", { class: `nbp-state nbp-is-${row.status}`, text: row.status }) : "") },
      { key: "readers", title: "used by", width: 84, number: true, cell: (row) => (row.readers ? say.count(row.readers, "run") : "") },
      { key: "told", title: "said of it", width: 210 },
    ].map((column) => ({ ...column, sort: false }));
  }

  source(first) {
    const page = async (number) => {
      if (number > 0 && !this.anchors) return null; // where pages begin is on its way
      return (await this.context.ask("page", { text: this.text, after: number > 0 ? this.anchors[number - 1] : null })).rows;
    };
    return { first, total: first.length, page };
  }

  look(text) {
    this.field.value = text;
    return this.search();
  }

  // What a facet offers is an option more in the field, or one less. One after the other: each begins with what the last has written.
  choose(facet, value) {
    const work = async () => {
      try {
        await this.look(await this.context.ask("chosen", { text: this.field.value, facet, value }));
      } catch (error) {
        this.refuse(error);
      }
    };
    this.choosing = (this.choosing ?? Promise.resolve()).then(work);
  }

  async reload({ keep = false, typing = false } = {}) {
    const round = (this.round += 1);
    try {
      const found = await this.context.ask("page", { text: this.text });
      if (round !== this.round) return;
      const source = this.source(found.rows);
      if (keep) source.total = Math.max(this.table.source.total, source.total);
      else this.anchors = null;
      this.table.show(source, { keep });
      this.accept(found);
      if (typing) this.restSoon(); // counting all of it would keep the next key waiting
      else await this.rest();
    } catch (error) {
      if (round !== this.round) return;
      if (keep && this.wrong.hidden) this.context.away(error);
      else if (typing) this.refuseSoon(error, round); // an option that is half typed is no mistake yet
      else this.refuse(error);
    }
  }

  // How much there is, where pages begin, and what could be chosen; the rows that are shown stay without it.
  async rest() {
    const { round, text } = this;
    try {
      const outline = await this.context.ask("outline", { text });
      if (round !== this.round) return;
      const moved = this.anchors && String(this.anchors) !== String(outline.anchors);
      this.anchors = outline.anchors;
      if (moved) this.table.renew();
      this.table.setTotal(outline.total);
      this.count.textContent = outline.total || text ? this.context.say.count(outline.total, "thing") : "";
      const facets = await this.context.ask("facets", { text });
      if (round === this.round) this.offer(facets);
    } catch (error) {
      if (round === this.round) this.context.away(error);
    }
  }

  offer(facets) {
    if (!changedSince(this, "facets", facets)) return;
    const { el } = this.context;
    const held = document.activeElement?.dataset?.value;
    const one = (facet) => (value) => el("button", {
      type: "button", class: "nbp-toggle", "aria-pressed": String(value.on), "data-value": `${facet.facet} ${value.value}`, on: { click: () => this.choose(facet.facet, value.value) },
    }, facet.facet === "noun" ? kindOf(value.value) : el("span", { class: "nbp-clip", text: SAID[facet.facet]?.[value.value] ?? value.value }), el("span", { class: "nbp-muted", text: value.count.toLocaleString("en") }));
    this.narrow.replaceChildren(...facets.map((facet) => el("div", { class: "nbp-facet", role: "group", "aria-label": facet.title }, el("span", { class: "nbp-muted", "aria-hidden": "true", text: facet.title }), facet.values.map(one(facet)))));
    if (held) [...this.narrow.querySelectorAll("button")].find((each) => each.dataset.value === held)?.focus({ preventScroll: true });
  }

  async changed() {
    await this.reload({ keep: true });
    if (this.again && !this.side.hidden) await this.again();
  }

  accept({ rows, line, near }) {
    this.line.textContent = line;
    this.foot.hidden = !line;
    this.wrong.hidden = true;
    this.field.removeAttribute("aria-invalid");
    const none = rows.length === 0;
    this.content.hidden = none;
    this.nothing.hidden = !none;
    if (!none) return;
    const { context } = this;
    this.nothing.replaceChildren(this.text ? context.empty("Nothing is like this.")
      : context.empty("Nothing is in the catalog yet. What is saved, run, trained and checked is found here. Begin with a table:", "data save df NAME", "data save FILE NAME"),
    context.el("div", { class: "nbp-bar" }, near.map((name) => context.button(`Did you mean ${name}?`, () => this.look(name)))));
  }

  refuse(error) {
    this.wrong.textContent = error.hint ? `${error.message}\n${error.hint}` : error.message;
    this.wrong.hidden = false;
    this.field.setAttribute("aria-invalid", "true");
  }

  // --- one thing -------------------------------------------------------------------------------

  close() {
    turnOf(this, "again");
    this.side.hidden = true;
    this.again = null;
    this.table.element.focus();
  }

  async open(ref, noun = null, { fresh = false } = {}) {
    const { context } = this;
    const lasts = turnOf(this, "again", fresh);
    let parts;
    let told;
    try {
      told = await context.ask("thing", noun ? { ref, noun } : { ref });
      if (!lasts() || (!changedSince(this, "thing", told) && fresh)) return;
      parts = await thingPage(this, told);
    } catch (error) {
      parts = [context.fail(error)];
    }
    if (lasts()) this.aside(told?.ref ?? ref, told, parts);
  }

  aside(title, told, parts) {
    const { el, button } = this.context;
    this.again = told ? () => this.open(told.ref, told.noun, { fresh: true }) : null;
    const close = button("Close", () => this.close(), { "aria-label": `Close ${title}` });
    this.side.hidden = false;
    this.side.replaceChildren(el("div", { class: "nbp-sidehead" }, el("h2", {}, told && kindOf(told.noun), " ", el("span", { text: title })), close), ...parts);
    this.side.scrollTop = 0;
    bringIntoSight(this.side);
  }
}
