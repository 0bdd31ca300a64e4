// The form of a run, made from the parameters that the notebooks declare; what is wrong with a value stands below it.

const BREAK = /\r\n?|\n/g;

class RunForm {
  constructor(context, { targets, target, schedule }) {
    const { el } = context;
    this.context = context;
    this.schedule = schedule;
    this.inputs = new Map();
    this.target = el("select", { "aria-label": "What to run", on: { change: () => this.fill() } }, targets.map((one) => el("option", { value: one, text: one.includes("@") ? one : `${one} (the notebooks as they are)`, selected: one === target })));
    this.fields = el("div", { class: "nbp-fields" });
    this.cache = el("input", { type: "checkbox", checked: true });
    this.go = el("button", { type: "submit", class: "nbp-button nbp-primary", text: "Run…" });
    this.wrong = el("div");
    this.line = el("div");
    this.element = el("form", { class: "nbp-asking", on: { submit: (event) => { event.preventDefault(); if (!this.go.disabled) this.run(); } } },
      el("label", { class: "nbp-field" }, el("span", { text: "version" }), this.target), this.fields,
      el("label", {}, this.cache, " skip steps of which nothing has changed"), this.wrong, this.line, el("div", { class: "nbp-bar" }, this.go));
    this.cache.addEventListener("change", () => this.look());
    this.judge = context.debounced(() => this.look(), 120);
  }

  async start(onRun) {
    this.onRun = onRun;
    await this.fill();
  }

  async fill() {
    const { el, context } = { el: this.context.el, context: this.context };
    try {
      const { fields, given, untold } = await context.ask("form", { name: this.target.value, ...(this.schedule ? { schedule: this.schedule } : {}) });
      this.given = given;
      this.inputs.clear();
      this.wrong.replaceChildren();
      this.fields.replaceChildren(...(fields.length ? fields.map((field) => this.field(field)) : [el("p", { class: "nbp-muted", text: "No step has a parameter: no cell is tagged parameters." })]));
      if (untold.length) this.fields.prepend(el("p", { class: "nbp-warn", text: `What ${this.schedule} gives for ${untold.join(", ")} cannot be typed: below stands what it is by default.` }));
      // At once: later it would take the focus from where somebody already writes.
      this.fields.querySelector("input, select, textarea")?.focus();
      await this.look();
    } catch (error) {
      this.fields.replaceChildren();
      this.wrong.replaceChildren(context.fail(error));
    }
  }

  field(field) {
    const { el } = this.context;
    const id = `nbp-field-${Math.random().toString(36).slice(2, 9)}`;
    const own = this.given[field.name];
    const value = own ?? (field.is_computed ? "" : field.default);
    const about = { id, "aria-describedby": `${id}-about ${id}-wrong`, on: { input: () => this.judge(), change: () => this.judge() } };
    // A picker of dates shows nothing of a text that is none: there it is a field like another, and what is wrong is said.
    const kinds = { int: { inputmode: "numeric" }, float: { inputmode: "decimal" }, date: /^(\d{4}-\d\d-\d\d)?$/.test(value) ? { type: "date" } : {} };
    // Where none of the choices stands by itself, none is chosen.
    const choices = field.is_required || field.is_computed || !field.choices.includes(value) ? ["", ...field.choices] : field.choices;
    const line = { class: "nbp-input", spellcheck: "false", placeholder: field.is_computed ? field.default : field.is_required ? "needed" : "", value, ...about };
    const input = field.choices.length
      ? el("select", about, choices.map((one) => el("option", { value: one, text: one || (field.is_computed ? field.default : ""), selected: one === value })))
      // A line takes the breaks out of a text: what nobody touched would be another value.
      : value.search(BREAK) >= 0 ? el("textarea", { ...line, rows: "4" }) : el("input", { ...line, ...(kinds[field.kind] ?? {}) });
    const wrong = el("pre", { id: `${id}-wrong`, class: "nbp-wrong", hidden: true });
    this.inputs.set(field.name, { field, input, wrong });
    const steps = field.steps.length > 3 ? `${field.steps.length} steps` : field.steps.join(", ");
    return el("div", { class: "nbp-parameter" }, el("label", { for: id }, el("b", { text: field.name }), " ", el("span", { class: "nbp-muted", text: field.kind })), input,
      el("span", { id: `${id}-about`, class: "nbp-muted", text: field.is_computed ? `${steps}; computed by default` : steps }), wrong);
  }

  // What differs from the defaults, as text: a line says no more than that.
  values() {
    const found = {};
    for (const [name, { field, input }] of this.inputs) {
      const { value } = input;
      const usual = field.is_computed || field.is_required ? "" : field.default.replace(BREAK, "\n"); // as a field gives it
      if (value !== usual) found[name] = value;
    }
    return found;
  }

  params() {
    return { name: this.target.value, params: this.values(), cache: this.cache.checked };
  }

  async look() {
    const round = (this.round = (this.round ?? 0) + 1);
    try {
      const faults = await this.context.ask("faults", { name: this.target.value, values: this.values() });
      if (round !== this.round) return;
      for (const [name, { input, wrong }] of this.inputs) {
        const fault = faults[name];
        wrong.hidden = !fault;
        wrong.textContent = fault ? [fault.message, fault.hint].filter(Boolean).join("\n") : "";
        if (fault) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
      }
      this.wrong.replaceChildren();
      this.go.disabled = Object.keys(faults).length > 0;
      const line = this.go.disabled ? null : await this.context.line("run", this.params());
      if (round === this.round) this.line.replaceChildren(...(line ? [this.context.lineOf(line)] : []));
    } catch (error) {
      if (round === this.round) this.wrong.replaceChildren(this.context.fail(error));
    }
  }

  async run() {
    const done = await this.context.act("run", this.params(), { title: `Run ${this.target.value}`, run: "Run", about: "It runs in a process of its own, and goes on when the kernel or the server ends. To stop it: Stop in the panel, or pipeline stop RUN anywhere." });
    if (done) await this.onRun();
  }
}
