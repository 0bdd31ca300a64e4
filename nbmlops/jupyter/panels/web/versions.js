// What the panels of versions share: pages of a history, a lineage as a picture, a record as a cell shows it, forms.

// A source for a table of the versions of a name: its pages begin where the outline says, so that each is one question.
async function history(context, name) {
  const outline = await context.ask("outline", { name });
  const page = (number) => context.ask("versions", { name, after: number ? outline.anchors[number - 1] : null });
  return { total: outline.total, size: outline.size, first: await page(0), page };
}

// A name that was renamed or deleted, here or elsewhere, leads back to all of them.
async function backToNames(view, error) {
  if (!error.unknown) { view.context.away(error); return; }
  await view.names();
  if (view.at.list === "names") view.above.prepend(view.context.fail(error));
}

// Words as chips; each may have a button that takes it off, and is told by `off` how.
function chips(words, off = null) {
  return el("span", { class: "nbp-chips" }, words.map((word) => el("span", { class: "nbp-chip" }, el("span", { text: word }),
    off && el("button", { type: "button", text: "×", "aria-label": `Take off ${word}`, on: { click: () => off(word) } }))));
}

// The column of aliases: those of a version or, of a name, all of its versions', each with where it is.
const aliasesOf = { key: "aliases", title: "aliases", value: saidAliases, cell: saidAliases };

function saidAliases(row) {
  if (!row.placed) return row.aliases.join(", ");
  return Object.entries(row.placed).map(([alias, ref]) => `${alias} → ${ref.split("@").at(-1)}`).join(", ");
}

// The sign of the newest report on a version: [number, status].
function verdictOf(judged) {
  return judged ? el("span", { class: `nbp-state nbp-is-${judged[1]}`, text: `${judged[1]} (report ${judged[0]})` }) : null;
}

// A form of a few fields above what it belongs to: [{ name, label, value, list, hint, tick }]. `go` gets the values.
function form(title, inputs, word, go) {
  const id = `nbp-form-${Math.random().toString(36).slice(2, 9)}`;
  const made = inputs.map((input, place) => {
    const own = `${id}-${place}`;
    const field = el("input", input.tick ? { type: "checkbox", id: own } : { type: "text", id: own, class: "nbp-input", value: input.value ?? "", placeholder: input.hint, list: input.list ? `${own}-list` : null, spellcheck: "false", autocomplete: "off" });
    const known = input.list ? el("datalist", { id: `${own}-list` }, input.list.map((value) => el("option", { value }))) : null;
    return { input, field, row: el("div", { class: input.tick ? "nbp-entry nbp-ticked" : "nbp-entry" }, el("label", { for: own, text: input.label }), field, known) };
  });
  const close = () => box.remove();
  const submit = (event) => {
    event.preventDefault();
    go(Object.fromEntries(made.map(({ input, field }) => [input.name, input.tick ? field.checked : field.value.trim()])), close);
  };
  const box = el("form", { class: "nbp-form", "aria-label": title, on: { submit, keydown: (event) => { if (event.key === "Escape") { event.stopPropagation(); close(); } } } },
    el("b", { text: title }), made.map(({ row }) => row),
    el("div", { class: "nbp-bar" }, el("button", { type: "submit", class: "nbp-button nbp-primary", text: word }), button("Cancel", close)));
  queueMicrotask(() => made[0]?.field.focus());
  return box;
}

// HTML that Python made of a record, as a cell shows it, in a tree of its own. It escapes all that people wrote; what
// could run or lead away is left out here all the same.
const CARRIES = /^(on|href$|src|style$|action$|formaction$|xlink:|background$|ping$|data$)/i;
const LEFT_OUT = new Set("script iframe object embed link meta base form input button img audio video template foreignobject animate set".split(" "));

function shown(html, label) {
  const parsed = new DOMParser().parseFromString(html, "text/html").body;
  for (const one of [...parsed.querySelectorAll("*")]) {
    if (LEFT_OUT.has(one.localName.toLowerCase())) { one.remove(); continue; }
    for (const { name } of [...one.attributes]) if (CARRIES.test(name)) one.removeAttribute(name);
  }
  const host = el("div", { class: "nbp-shown", tabindex: "0", role: "group", "aria-label": label });
  host.attachShadow({ mode: "open" }).append(...parsed.childNodes);
  return host;
}

// A lineage: boxes and arrows, and the same in words. `open` gets the box that was chosen, if it leads anywhere.
function lineagePicture(graph, leads, open) {
  const picture = svg("svg", { viewBox: `0 0 ${graph.width} ${graph.height}`, width: graph.width, height: graph.height, role: "group", "aria-label": `Lineage of ${graph.ref}`, class: "nbp-lineage" });
  for (const wire of graph.wires) picture.append(svg("path", { d: wire, class: "nbp-wire", "aria-hidden": "true" }));
  for (const box of graph.boxes) picture.append(lineageBox(box, leads(box) ? open : null));
  const view = el("div", { class: "nbp-lineageview", tabindex: "0", role: "group", "aria-label": "Picture" }, picture);
  const root = graph.boxes.find((box) => box.look === "root");
  // A wide or a tall one is shown from where one stands.
  if (root) requestAnimationFrame(() => view.scrollTo(root.x + root.w / 2 - view.clientWidth / 2, root.y + root.h / 2 - view.clientHeight / 2));
  return [
    view,
    graph.boxes.length < 2 && el("p", { class: "nbp-muted", text: "Nothing is known of where it came from, or of its use." }),
    graph.cut > 0 && el("p", { class: "nbp-warn", text: `${say.count(graph.cut, "version")} at the border with more behind.` }),
    graph.text && el("details", {}, el("summary", { text: "In words" }), el("pre", { text: graph.text })),
  ].filter(Boolean);
}

function lineageBox(box, open) {
  const act = open ? { tabindex: "0", role: "button", "aria-label": box.title, on: { click: () => open(box), keydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(box); } } } } : {};
  const round = box.look === "work" ? 11 : 3;
  return svg("g", { class: `nbp-node nbp-is-${box.look}${open ? " nbp-leads" : ""}`, ...act }, svg("title", { text: box.title }),
    svg("rect", { x: box.x, y: box.y, width: box.w, height: box.h, rx: round }), svg("text", { x: box.x + 9, y: box.y + 17, text: box.label }),
    box.note && svg("text", { x: box.x + 9, y: box.y + 33, class: "nbp-small", text: box.note }),
    box.fed && svg("path", { d: `M${box.x} ${box.y + Math.floor(box.h / 2)}l-6 -3v6z`, class: "nbp-tip" }));
}

// Bars of one row: [[words, count], …]. A small one is a single outline, as many of them scroll by; a large one tells
// each bar when it is pointed at.
function barsOf(pairs, label, { width = 144, height = 22, told = false } = {}) {
  const most = Math.max(1, ...pairs.map(([, count]) => count));
  const step = width / Math.max(pairs.length, 8);
  const wide = Math.max(1, step - 1);
  const bars = pairs.map(([words, count], place) => ({ words, count, x: place * step, tall: count ? Math.max(1, (count / most) * height) : 0 }));
  const said = pairs.slice(0, 3).map(([words, count]) => `${words}: ${say.number(Math.round(count))}`).join(", ");
  const outline = bars.map(({ x, tall }) => `M${x.toFixed(1)} ${height}v${(-tall).toFixed(1)}h${wide.toFixed(1)}v${tall.toFixed(1)}z`).join("");
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${label}: ${said}`, class: "nbp-bars" },
    told ? bars.map(({ words, count, x, tall }) => svg("rect", { x: x.toFixed(1), y: (height - tall).toFixed(1), width: wide.toFixed(1), height: tall.toFixed(1) }, svg("title", { text: `${words}: ${say.number(Math.round(count))}` })))
      : svg("path", { d: outline }));
}

// Whether something is another than it was when this was asked last: a store that changes elsewhere moves nothing here.
function changedSince(view, key, now) {
  const text = JSON.stringify(now);
  view.told ??= new Map();
  const was = view.told.get(key);
  view.told.set(key, text);
  return was !== text;
}

// Where there is no room beside a list, what was opened stands below it: bring it into sight.
function bringIntoSight(side) {
  if (getComputedStyle(side.parentElement).flexDirection === "column") side.scrollIntoView({ block: "start" });
}

// Draw into a box what a question gives: "…" meanwhile, and in words what went wrong. A later question wins.
async function drawAsked(context, box, ask, draw) {
  const round = (box.round = (box.round ?? 0) + 1);
  if (!box.childElementCount) box.replaceChildren(el("p", { class: "nbp-muted", text: "reading…" }));
  let drawn;
  try {
    drawn = draw(await ask());
  } catch (error) {
    drawn = [context.fail(error)];
  }
  if (round === box.round) box.replaceChildren(...[drawn].flat(Infinity).filter(Boolean));
}
