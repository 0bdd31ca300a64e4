// A table of any length: only the rows in sight are elements, and pages are fetched as they come into sight.
//
// Options: `label`; `columns`, each { key, title, number, width, cell(row) -> text or node, sort }, where `sort: false`
// cannot be sorted by; `source`, { total, page(number) -> Promise<rows> } with `size` rows on a page, or `rows` for a
// table that is all here; `id(row)`; `onSort(key, descending)`; `onOpen(row)`; `onSelect(ids)` for rows with boxes to
// tick. Gives { element, show(source or rows), columns(list), refresh(), selected, sort }.

const ROW = 28;
const AROUND = 6;
const KEPT = 50; // pages of a source elsewhere that are kept: those nearest to what is in sight

function table(options) {
  return new VirtualTable(options);
}

class VirtualTable {
  constructor(options) {
    this.options = { size: 100, id: (row) => row.id, ...options };
    this.selected = new Set();
    this.sort = options.sort ?? null;
    this.active = 0;
    this.used = [];
    this.head = el("div", { class: "nbp-head", role: "row", "aria-rowindex": "1" });
    this.body = el("div", { class: "nbp-rows", role: "rowgroup" });
    this.grid = el("div", { class: "nbp-grid", role: "grid", "aria-label": options.label, "aria-multiselectable": options.onSelect ? "true" : null, tabindex: "0" }, el("div", { role: "rowgroup", class: "nbp-headgroup" }, this.head), this.body);
    this.element = this.grid;
    this.grid.addEventListener("scroll", () => this.later(), { passive: true });
    this.grid.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("click", (event) => this.click(event));
    this.body.addEventListener("dblclick", (event) => this.open(this.at(event)));
    if (typeof ResizeObserver !== "undefined") new ResizeObserver(() => this.later()).observe(this.grid);
    this.columns(options.columns);
    this.show(options.source ?? options.rows ?? []);
  }

  // Show other rows: a list, or a source. What is selected stays so, and the scroll is kept when asked.
  show(source, { keep = false } = {}) {
    const local = Array.isArray(source);
    this.all = local ? source : null;
    this.source = local ? this.localSource() : source;
    this.stale = keep ? this.pages : new Map(); // what was there stands until what is new has come
    this.pages = new Map();
    this.waiting = new Set();
    this.round = (this.round ?? 0) + 1;
    if (source.first) this.pages.set(0, source.first);
    if (!keep) { this.grid.scrollTop = 0; this.active = 0; }
    if (!keep || !this.widths) this.measure();
    this.resize();
    this.draw();
  }

  localSource() {
    const rows = [...this.all];
    if (this.sort && !this.options.onSort) {
      const column = this.shown.find((one) => one.key === this.sort.key);
      const value = column?.value ?? ((row) => row[this.sort.key]);
      const turn = this.sort.descending ? -1 : 1;
      rows.sort((one, other) => turn * compared(value(one), value(other)));
    }
    const { size } = this.options;
    return { total: rows.length, page: (number) => rows.slice(number * size, (number + 1) * size), now: true };
  }

  setTotal(total) {
    this.source.total = total;
    this.resize();
    this.draw();
  }

  refresh() { this.draw(true); }

  columns(list) {
    this.shown = list;
    if (this.source) this.measure();
    const box = this.options.onSelect ? [el("div", { role: "columnheader", class: "nbp-tick" }, el("span", { class: "nbp-hidden", text: "selected" }))] : [];
    this.head.replaceChildren(...box, ...list.map((column) => this.header(column)));
    this.grid.setAttribute("aria-colcount", String(list.length + box.length));
    this.used.forEach((row) => row.remove());
    this.used = [];
    this.layout();
    if (this.source) this.draw();
  }

  header(column) {
    const sorted = this.sort?.key === column.key ? (this.sort.descending ? "descending" : "ascending") : "none";
    const mark = { ascending: " ▲", descending: " ▼", none: "" }[sorted];
    const sortable = column.sort !== false;
    const inner = sortable
      ? el("button", { type: "button", class: "nbp-sort", title: `${column.hint ?? column.title}`, on: { click: () => this.order(column.key) } }, el("span", { text: column.title, class: "nbp-clip" }), el("span", { text: mark, "aria-hidden": "true" }))
      : el("span", { text: column.title, class: "nbp-clip" });
    return el("div", { role: "columnheader", class: column.number ? "nbp-number" : "", "aria-sort": sortable ? sorted : null }, inner);
  }

  order(key) {
    const column = this.shown.find((one) => one.key === key);
    const first = Boolean(column?.number);
    const descending = this.sort?.key === key ? !this.sort.descending : first;
    this.sort = { key, descending };
    this.columns(this.shown);
    if (this.options.onSort) this.options.onSort(key, descending);
    else if (this.all) this.show(this.all);
    this.head.querySelectorAll("button")[this.shown.filter((one) => one.sort !== false).findIndex((one) => one.key === key)]?.focus();
  }

  // How wide columns are: what their title and their first rows need, within bounds.
  measure() {
    const rows = this.pages.get(0) ?? (this.source.now ? this.source.page(0) : []);
    this.widths = this.shown.map((column) => {
      if (column.width) return column.width;
      const texts = rows.slice(0, 40).map((row) => { const told = column.cell ? column.cell(row) : row[column.key]; return told instanceof Node ? told.textContent.length : String(told ?? "").length; });
      const most = Math.max(column.title.length + 3, ...texts);
      return Math.round(Math.min(280, Math.max(64, most * 8 + 22)));
    });
    this.layout();
  }

  layout() {
    if (!this.widths || this.widths.length !== this.shown.length) return;
    const tick = this.options.onSelect ? ["30px"] : [];
    const widths = this.widths.map((width, place) => place === this.widths.length - 1 ? `minmax(${width}px, 1fr)` : `${width}px`);
    this.grid.style.setProperty("--nbp-columns", [...tick, ...widths].join(" "));
    const sum = this.widths.reduce((one, other) => one + other, tick.length * 30);
    this.grid.style.setProperty("--nbp-width", `${sum}px`);
  }

  resize() {
    this.body.style.height = `${Math.max(0, this.source.total) * ROW}px`;
    this.grid.style.setProperty("--nbp-needed", `${this.source.total * ROW + 48}px`);
    this.grid.setAttribute("aria-rowcount", String(this.source.total + 1));
  }

  later() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => { this.asked = null; this.draw(); });
  }

  draw() {
    const { total } = this.source;
    const room = this.grid.clientHeight || 400;
    const first = Math.max(0, Math.floor(this.grid.scrollTop / ROW) - AROUND);
    const last = Math.min(total, Math.ceil((this.grid.scrollTop + room) / ROW) + AROUND);
    const wanted = Math.max(0, last - first);
    while (this.used.length < wanted) { const row = this.blank(); this.used.push(row); this.body.append(row); }
    this.used.forEach((row, place) => {
      if (place >= wanted) { row.hidden = true; return; }
      // Each index keeps its element while it is in sight, so that scrolling writes only what comes in.
      const index = first + ((place - (first % this.used.length) + this.used.length) % this.used.length);
      if (index >= last) { row.hidden = true; return; }
      this.write(row, index);
    });
    if (document.activeElement === this.grid) this.tell();
    this.bring(first, last);
  }

  // Pages begin elsewhere now: all but the first are fetched anew, and stand as they are until then.
  renew() {
    this.stale = new Map([...this.stale, ...this.pages]);
    this.pages = new Map([...this.pages].filter(([number]) => number === 0));
    this.round += 1;
    this.waiting = new Set();
    this.draw();
  }

  blank() {
    const tick = this.options.onSelect ? [el("div", { role: "gridcell", class: "nbp-tick" }, el("input", { type: "checkbox", tabindex: "-1" }))] : [];
    const cells = this.shown.map((column) => el("div", { role: "gridcell", class: column.number ? "nbp-number nbp-clip" : "nbp-clip" }));
    return el("div", { role: "row", class: "nbp-row", tabindex: "-1", hidden: true }, tick, cells);
  }

  rowAt(index) {
    const { size } = this.options;
    const number = Math.floor(index / size);
    if (!this.pages.has(number) && this.source.now) this.pages.set(number, this.source.page(number));
    const page = this.pages.get(number) ?? this.stale.get(number);
    return page?.[index - number * size];
  }

  write(element, index) {
    const row = this.rowAt(index);
    element.hidden = false;
    element.style.transform = `translateY(${index * ROW}px)`;
    element.setAttribute("aria-rowindex", String(index + 2));
    element.dataset.index = String(index);
    const id = row === undefined ? null : this.options.id(row);
    const chosen = id !== null && this.selected.has(id);
    element.classList.toggle("nbp-chosen", chosen);
    element.classList.toggle("nbp-active", index === this.active);
    if (this.options.onSelect) element.setAttribute("aria-selected", String(chosen));
    const cells = element.children;
    let place = 0;
    if (this.options.onSelect) {
      const tick = cells[0].firstChild;
      tick.checked = chosen;
      tick.setAttribute("aria-label", row === undefined ? "not read yet" : `select ${this.options.name?.(row) ?? id}`);
      place = 1;
    }
    for (const column of this.shown) {
      const cell = cells[place++];
      if (row === undefined) { cell.textContent = place === 1 ? "…" : ""; cell.title = ""; continue; }
      const told = column.cell ? column.cell(row) : row[column.key];
      if (told instanceof Node) {
        if (cell.firstChild !== told) cell.replaceChildren(told); // one that a row keeps stays where it is
      } else {
        const text = told === null || told === undefined ? "" : String(told);
        if (cell.textContent !== text || cell.firstElementChild) cell.textContent = text;
        cell.title = text.length > 24 ? text : "";
      }
    }
  }

  bring(first, last) {
    if (this.source.now) return;
    const { size } = this.options;
    for (let number = Math.floor(first / size); number <= Math.floor(Math.max(first, last - 1) / size); number += 1) {
      if (this.pages.has(number) || this.waiting.has(number)) continue;
      this.waiting.add(number);
      setTimeout((round) => this.page(number, round), number === 0 ? 0 : 40, this.round);
    }
    this.busy();
  }

  async page(number, round) {
    if (round !== this.round) return;
    const { size } = this.options;
    const top = Math.floor(this.grid.scrollTop / ROW / size);
    const end = Math.floor((this.grid.scrollTop + this.grid.clientHeight) / ROW / size);
    try {
      // A page that was only passed on the way is not asked for.
      const rows = number < top - 1 || number > end + 1 ? null : await this.source.page(number);
      if (round === this.round && rows) { this.pages.set(number, rows); this.forget(number); this.later(); }
    } catch (error) {
      this.options.onError?.(error);
    }
    if (round === this.round) this.waiting.delete(number);
    this.busy();
  }

  // The first page stays, for widths are measured by it.
  forget(near) {
    const far = [...this.pages.keys()].filter((number) => number > 0).sort((one, other) => Math.abs(other - near) - Math.abs(one - near));
    far.slice(0, Math.max(0, far.length - KEPT)).forEach((number) => this.pages.delete(number));
    far.forEach((number) => this.stale.delete(number));
  }

  busy() {
    this.grid.setAttribute("aria-busy", String(this.waiting.size > 0));
  }

  at(event) {
    const element = event.target.closest(".nbp-row");
    return element ? Number(element.dataset.index) : -1;
  }

  click(event) {
    const index = this.at(event);
    if (index < 0) return;
    this.active = index;
    if (this.options.onSelect && (event.target.type === "checkbox" || event.target.closest(".nbp-tick") || event.ctrlKey || event.metaKey)) this.toggle(index);
    else if (!event.target.closest("button, a, input")) this.open(index);
    this.draw();
  }

  toggle(index) {
    const row = this.rowAt(index);
    if (row === undefined) return;
    const id = this.options.id(row);
    if (!this.selected.delete(id)) this.selected.add(id);
    this.options.onSelect([...this.selected], row);
  }

  open(index) {
    const row = index >= 0 ? this.rowAt(index) : undefined;
    if (row !== undefined) this.options.onOpen?.(row);
  }

  clear() {
    this.selected.clear();
    this.options.onSelect?.([]);
    this.draw();
  }

  key(event) {
    if (event.target.closest(".nbp-head")) return;
    const page = Math.max(1, Math.floor(this.grid.clientHeight / ROW) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.source.total, End: this.source.total };
    if (event.key in steps) this.move(this.active + steps[event.key]);
    else if (event.key === "Enter") this.open(this.active);
    else if (event.key === " " && this.options.onSelect) { this.toggle(this.active); this.draw(); }
    else return;
    event.preventDefault();
  }

  move(index) {
    this.active = Math.min(this.source.total - 1, Math.max(0, index));
    const top = this.active * ROW;
    const room = this.grid.clientHeight - this.head.offsetHeight;
    if (top < this.grid.scrollTop) this.grid.scrollTop = top;
    else if (top + ROW > this.grid.scrollTop + room) this.grid.scrollTop = top + ROW - room;
    this.draw();
  }

  // What a screen reader says of the row that the keys have reached.
  tell() {
    const element = this.used.find((row) => !row.hidden && Number(row.dataset.index) === this.active);
    if (!element) return;
    element.id ||= `nbp-row-${Math.random().toString(36).slice(2, 9)}`;
    this.grid.setAttribute("aria-activedescendant", element.id);
  }
}

function compared(one, other) {
  const without = (value) => value === null || value === undefined;
  if (without(one) || without(other)) return Number(without(one)) - Number(without(other));
  return typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));
}
