// What happened to the model: a drawing over time, and a table of its moments.

const SIGNS = { good: "✓ ", warn: "! ", bad: "✗ ", plain: "" };

async function storyOf(view, box) {
  const { context } = view;
  const found = await view.ask("story");
  if (!found) return;
  const line = await context.line("story", { name: view.name });
  const shown = context.lineOf(line);
  if (!found.moments.length) {
    box.replaceChildren(shown, el("p", { class: "nbp-empty", text: "Nothing is known of it." }));
    return;
  }
  const rows = [...found.moments].reverse().map((one) => el("tr", {}, el("td", { text: say.when(one.at).slice(0, 16) }),
    el("th", { scope: "row", class: `nbp-said-${one.mood}`, text: `${SIGNS[one.mood]}${one.what}` }), el("td", { text: one.told.join("; ") }), el("td", { text: one.who }), el("td", {}, el("code", { text: one.look }))));
  box.replaceChildren(shown,
    el("div", { class: "nbp-wide", tabindex: "0", role: "group", "aria-label": "The story over time" }, drawingOf(found.drawing)),
    el("p", { class: "nbp-muted", hidden: !found.cut, text: "Earlier moments are left out." }),
    el("div", { class: "nbp-wide", tabindex: "0", role: "group", "aria-label": "Moments, the newest first" }, el("table", { class: "nbp-plain nbp-left nbp-moments" },
      el("thead", {}, el("tr", {}, ["when", "what", "from what, why, figures", "who", "look"].map((text) => el("th", { scope: "col", text })))), el("tbody", {}, rows))));
}

function drawingOf({ width, height, ticks, rows, about }) {
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": about, class: "nbp-chart nbp-story" });
  for (const [x, text, anchor] of ticks) picture.append(svg("line", { x1: x, x2: x, y1: 18, y2: height, class: "nbp-axis" }), svg("text", { x, y: 12, "text-anchor": anchor, text }));
  for (const row of rows) {
    picture.append(svg("text", { x: 4, y: row.y + 4, class: "nbp-strong", text: row.name }));
    for (const bar of row.bars) {
      picture.append(svg("g", { class: `nbp-bar-${bar.mood}` }, svg("title", { text: bar.title }), svg("rect", { x: bar.x, y: bar.y, width: bar.w, height: 16, rx: 2 }),
        bar.label && svg("text", { x: bar.x + 5, y: bar.y + 12, text: bar.label })));
    }
    for (const mark of row.marks) {
      picture.append(svg("path", { d: mark.path, class: `nbp-mood-${mark.mood}` }, svg("title", { text: mark.title })));
      if (mark.label) picture.append(svg("text", { x: mark.x, y: row.y + 4, text: mark.label }));
    }
  }
  return picture;
}
