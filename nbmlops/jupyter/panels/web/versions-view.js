// What the panels of data and of models are both: all names, the versions of one, those that were deleted, and beside
// the list one version. A panel gives `noun`, `said` (the words of what is said of it), `names`, `into(name)`, which
// shows the versions of a name, and `columns`.

class VersionsView {
  constructor(root, context) {
    this.root = root;
    this.context = context;
    this.at = { list: "names" };
    this.beside = {}; // of the version that is open: `refresh` reads it again
  }

  async start() {
    const { el } = this.context;
    this.bar = el("div", { class: "nbp-bar" });
    this.forms = el("div", {});
    this.above = el("div", {});
    this.left = el("div", { class: "nbp-leading" });
    this.side = el("div", { class: "nbp-side", hidden: true });
    this.root.replaceChildren(this.bar, this.forms, this.above, el("div", { class: "nbp-split" }, this.left, this.side));
    this.context.onChange(() => this.again());
    await this.names();
  }

  // The store changed: what is shown is asked for again, where one stands and what is ticked stay.
  async again() {
    if (this.at.list === "names") await this.names({ keep: true });
    else if (this.at.list === "deleted") await this.deleted({ keep: true });
    else await this.into(this.at.name, { keep: true });
    if (!this.side.hidden) await this.beside.refresh?.();
  }

  words() { return { ...this.context, context: this.context }; }

  // --- lists -----------------------------------------------------------------------------------

  async deleted({ keep = false } = {}) {
    const { el, say, context } = this.words();
    const lasts = turnOf(this, "at", keep);
    const rows = await context.ask("deleted");
    if (!lasts() || (!changedSince(this, "deleted", rows) && keep)) return;
    if (!(keep && this.at.list === "deleted")) {
      this.at = { list: "deleted" };
      this.closeSide();
      this.bar.replaceChildren(this.back(), el("h2", { text: "Deleted" }));
      const columns = [{ key: "ref", title: "version", width: 170 }, { key: "deleted_at", title: "deleted", width: 165, cell: (row) => say.when(row.deleted_at) }, ...this.columns()];
      const restore = ({ ref }) => context.act("restore", { ref }, { title: `Restore ${ref}`, run: "Restore" });
      this.put(context.table({ label: this.said.deleted, columns, rows, id: (row) => row.ref, onOpen: restore }));
      this.above.replaceChildren(el("p", { class: "nbp-muted", text: "Open a version to restore it." }));
    } else this.list.show(rows, { keep: true });
    this.fit(rows.length);
    this.nothing(rows.length ? null : context.empty("Nothing is deleted that could be restored."));
  }

  // What stands above the versions of a name: the way back, and what may be done with all of them.
  head(name, ...more) {
    const { el, button } = this.context;
    this.count = el("span", { class: "nbp-muted", role: "status" });
    this.bar.replaceChildren(el("div", { class: "nbp-crumbs" }, this.back(), el("h2", { text: name, title: name })), ...more,
      button("Rename…", () => this.rename(name)), button("Push…", () => this.push(name)), button("Delete all…", () => this.remove(name)), this.count);
    this.above.replaceChildren();
  }

  back() { return this.context.button(this.said.all, () => { this.closeSide(); this.names(); }); }

  put(list) {
    this.list = list;
    list.element.classList.add("nbp-lower");
    this.left.replaceChildren(list.element);
    this.above.replaceChildren();
  }

  fit(rows) { this.list.element.style.height = `${Math.min(420, Math.max(3, rows) * 28 + 46)}px`; }

  nothing(told) {
    this.list.element.hidden = Boolean(told);
    this.left.querySelectorAll(".nbp-empty").forEach((old) => old.remove());
    if (told) this.left.append(told);
  }

  // --- what may be done ------------------------------------------------------------------------

  // A form, then the line, then what came of it; `after` is told, also of a refusal.
  fill(title, inputs, act, how = {}, after = () => undefined) {
    const { context } = this;
    const own = form(title, inputs, "Continue", async (given, close) => {
      const [name, params] = act(given);
      const done = await context.act(name, params, { title, ...how });
      if (done) close();
      await after(done);
    });
    (this.side.hidden || !this.place?.isConnected ? this.forms : this.place).replaceChildren(own);
  }

  push(ref) {
    this.fill(`Push ${ref}`, [{ name: "to", label: "remote", hint: "the only one" }], (given) => ["push", { ref, ...given }], { run: "Push" });
  }

  rename(name) {
    const { context } = this;
    const title = `Give ${name} another name`;
    this.forms.replaceChildren(form(title, [{ name: "new", label: "new name", value: name }], "Continue", async (given, close) => {
      if (!(await context.act("rename", { old: name, new: given.new }, { title, run: "Rename" }))) return;
      close();
      this.closeSide();
      await this.into(given.new);
    }));
  }

  // --- one version -----------------------------------------------------------------------------

  aside(title, ...children) {
    const { el, button } = this.context;
    this.beside = {};
    this.side.hidden = false;
    const close = button("Close", () => { this.closeSide(); (this.left.querySelector(".nbp-board") ?? this.list.element).focus(); }, { "aria-label": `Close ${title}` });
    this.side.replaceChildren(el("div", { class: "nbp-sidehead" }, el("h2", { text: title }), close), ...children);
    this.side.scrollTop = 0;
    if (!this.follows) bringIntoSight(this.side);
  }

  closeSide() {
    this.turning();
    this.beside = {};
    this.side.hidden = true;
    this.forms.replaceChildren();
    this.side.replaceChildren();
  }

  // Something else is opened beside the list: gives a function that tells whether it is still wanted.
  turning() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    return () => turn === this.turn;
  }

  // Read the open version again when the store changes: `told` has what changed, and is told whether anything did.
  follow(version, lasts, told) {
    changedSince(this, "version", version);
    this.beside.refresh = async () => {
      const now = await this.context.ask("version", { ref: version.ref }).catch(() => null);
      if (!lasts()) return;
      if (!now) { this.closeSide(); return; }
      const changed = changedSince(this, "version", now);
      if (changed) Object.assign(version, now);
      await told(changed);
    };
  }

  async lineage(version, box) {
    const leads = (one) => one.ref && one.kind === this.noun && one.ref !== version.ref;
    await drawAsked(this.context, box, () => this.context.ask("lineage", { ref: version.ref }), (graph) => lineagePicture(graph, leads, (one) => this.open(one.ref)));
  }
}
