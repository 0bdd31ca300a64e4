// Tabs: [{ name, title, draw(box) }]; each is drawn when it is first shown, and kept. `draw` is called again on return.
function tabs(pages, { label, stage = null, first = 0 } = {}) {
  const list = el("div", { class: "nbp-tabs", role: "tablist", "aria-label": label });
  const host = stage ?? el("div", { class: "nbp-stage" });
  const prefix = `nbp-${Math.random().toString(36).slice(2, 9)}`;
  const made = pages.map((page, place) => {
    const tab = el("button", { type: "button", role: "tab", id: `${prefix}-tab-${place}`, "aria-controls": `${prefix}-box-${place}`, text: page.title, on: { click: () => choose(place) } });
    const box = el("div", { role: "tabpanel", id: `${prefix}-box-${place}`, "aria-labelledby": tab.id, class: "nbp-page", hidden: true });
    list.append(tab);
    host.append(box);
    return { page, tab, box };
  });
  function choose(place) {
    made.forEach(({ tab, box }, other) => {
      tab.setAttribute("aria-selected", String(other === place));
      tab.tabIndex = other === place ? 0 : -1;
      box.hidden = other !== place;
    });
    made[place].page.draw(made[place].box);
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = made.findIndex(({ tab }) => tab === event.target);
    const next = (at + step + made.length) % made.length;
    choose(next);
    made[next].tab.focus();
    event.preventDefault();
  });
  const whole = el("div", { class: "nbp-tabbed" }, list, host);
  queueMicrotask(() => choose(first));
  whole.choose = choose;
  return whole;
}
