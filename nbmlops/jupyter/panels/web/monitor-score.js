// The sheet of the ML Test Score: four sections, each test with its points, what they rest on, or what earns more.

async function scoreOf(view, box) {
  const found = await view.ask("score");
  if (!found) return;
  const written = (points) => (points === 0.5 ? "½" : points % 1 ? `${Math.floor(points)}½` : String(points));
  const looks = (test) => (test.points === 1 ? "passed" : test.points > 0 ? "warned" : "muted");
  const row = (test) => el("tr", {}, el("td", {}, el("span", { class: `nbp-state nbp-is-${looks(test)}`, text: written(test.points) })),
    el("th", { scope: "row", text: `${test.id}: ${test.title}` }), el("td", { text: test.passed === null ? "" : test.passed ? "holds" : "does not hold" }),
    el("td", { text: [test.evidence, test.why].filter(Boolean).join("; ") }), el("td", { text: test.command }));
  const section = (one) => [el("h3", { text: `${one.title}: ${written(one.points)} of ${one.tests.length}` }),
    el("div", { class: "nbp-wide", tabindex: "0", role: "group", "aria-label": one.title }, el("table", { class: "nbp-plain nbp-left nbp-moments" },
      el("thead", {}, el("tr", {}, ["points", "test", "now", "rests on", "earns more"].map((text) => el("th", { scope: "col", text })))), el("tbody", {}, one.tests.map(row))))];
  box.replaceChildren(el("p", {}, el("b", { text: `ML Test Score of ${found.ref}: ${written(found.score)}` }), " ", el("span", { class: "nbp-muted", text: "the lowest of the four sums" })), ...found.sections.flatMap(section));
}
