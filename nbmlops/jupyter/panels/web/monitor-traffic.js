// What was answered in each hour, by each version.

async function trafficOf(view, box) {
  const { context } = view;
  view.days ??= el("select", { "aria-label": "How far back", on: { change: () => { view.turn += 1; view.shown(); } } }, [[1, "a day"], [3, "3 days"], [7, "7 days"]].map(([value, text]) => el("option", { value, text })));
  const found = await view.ask("traffic", { days: Number(view.days.value) });
  if (!found) return;
  const arms = new Map();
  for (const hour of found.hours) {
    const name = hour.role === "shadow" ? `v${hour.version} in shadow` : `v${hour.version}`;
    arms.set(name, [...(arms.get(name) ?? []), hour]);
  }
  const bar = el("div", { class: "nbp-bar" }, view.days, el("span", { class: "nbp-muted", text: `since ${say.when(found.since)}` }),
    context.button("Insert line", async () => context.insertCell(await context.cellLine("history", { name: view.name }))));
  if (!arms.size) {
    box.replaceChildren(bar, context.empty("Nothing was asked in this time. To serve it:", `serve ${view.name}`));
    return;
  }
  const lines = (value) => [...arms].map(([name, hours]) => ({ name, points: hours.map((hour) => [clock(hour.start), value(hour)]) }));
  const drawn = (label, value) => context.chart({ label, lines: lines(value), at: hourOf, height: 130 });
  box.replaceChildren(bar, totalsOf([...arms]),
    drawn("Requests per hour", (hour) => hour.requests),
    drawn("Milliseconds in which 95 % were answered", (hour) => (Number.isFinite(hour.p95) ? hour.p95 : null)),
    drawn("Refused or failed, %", (hour) => (hour.requests ? (100 * hour.errors) / hour.requests : 0)));
}

// Each version: how many requests, which share of those that were heard, how many failed.
function totalsOf(arms) {
  const sum = (hours, key) => hours.reduce((total, hour) => total + hour[key], 0);
  const heard = arms.filter(([, hours]) => hours[0].role === "served").reduce((total, [, hours]) => total + sum(hours, "requests"), 0);
  const rows = arms.map(([name, hours]) => {
    const requests = sum(hours, "requests");
    const share = hours[0].role === "served" && heard ? `${((100 * requests) / heard).toFixed(1)} %` : "";
    const errors = requests ? `${((100 * sum(hours, "errors")) / requests).toFixed(2)} %` : "";
    return el("tr", {}, el("th", { scope: "row", text: name }), [say.number(requests), share, errors, say.number(sum(hours, "rows"))].map((text) => el("td", { text })));
  });
  return el("div", { class: "nbp-wide", tabindex: "0", role: "group", "aria-label": "Traffic by version" }, el("table", { class: "nbp-plain" },
    el("thead", {}, el("tr", {}, ["version", "requests", "share", "refused or failed", "rows"].map((text) => el("th", { scope: "col", text })))), el("tbody", {}, rows)));
}
