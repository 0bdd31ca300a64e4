// What a model takes and gives, as two tables.

function signatureOf(version) {
  const { form, inputs, outputs } = version.signature;
  const rows = (label, heads, cells) => cells.length ? [el("h3", { text: label }), el("div", { class: "nbp-wide", tabindex: "0", role: "group", "aria-label": label }, el("table", { class: "nbp-plain nbp-left" },
    el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col", text })))), el("tbody", {}, cells.map((cell) => el("tr", {}, cell.map((text, place) => place ? el("td", { text, title: text }) : el("th", { scope: "row", text, title: text })))))))] : [];
  const several = (values) => values ? values.map(String).join(", ") : "";
  return [
    el("p", { class: "nbp-muted", text: form === "table" ? "It takes a table with these columns." : form === "texts" ? "It takes a list of texts." : "It takes an array." }),
    ...rows("Takes", ["column", "type", "nulls", "categories"], inputs.slice(0, 2000).map((one) => [one.name, one.type, one.nullable ? "" : "none", several(one.categories)])),
    ...rows("Gives", ["method", "type", "shape", "classes"], outputs.map((one) => [one.method, one.type, one.shape.map((length) => length ?? "rows").join(" × "), several(one.classes)])),
  ];
}
