// Elements and words: whatever comes from the store is set as text and never read as markup.

const SVG = "http://www.w3.org/2000/svg";

// Make an element. Attributes: `class`, `text`, `on` (event -> listener), `style` (property -> value), `value`,
// `checked`, `disabled`, `hidden`, and any other as it is written in HTML; null and false leave one out.
function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "indeterminate"]);

// JupyterLab looks at the element that has the focus, and only then at those around it, for whether its keys are ours.
const FOCUSED = new Set(["button", "input", "select", "textarea", "summary", "a"]);

function fill(element, attributes, children) {
  if (FOCUSED.has(element.localName) || "tabindex" in attributes) element.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") element.textContent = String(value);
    else if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "style") for (const [property, one] of Object.entries(value)) element.style.setProperty(property, one);
    else if (PROPERTIES.has(name)) element[name] = value;
    else if (/^on|^srcdoc$|^innerhtml$/i.test(name)) throw new Error(`an attribute ${name} is not set by text`);
    else if (/^(href|src|xlink:href)$/.test(name) && !/^(https?:\/\/|\/(?!\/))/.test(value)) continue;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

function button(text, press, attributes = {}) {
  return el("button", { type: "button", text, class: "nbp-button", ...attributes, on: { click: press } });
}

// A table of a few rows, each a list of texts or nodes; the first of a row is its header.
function facts(rows, label) {
  const lines = rows
    .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
    .map(([name, value]) =>
      el("tr", {}, el("th", { scope: "row", text: name }), el("td", {}, value instanceof Node ? value : folded(String(value)))));
  return el("table", { class: "nbp-facts", "aria-label": label }, el("tbody", {}, lines));
}

// A long text by its beginning, which unfolds.
function folded(text) {
  if (text.length <= 300) return text;
  return el("details", { class: "nbp-long" }, el("summary", { text: `${text.slice(0, 120)}… (${say.count(text.length, "character")})` }), text);
}

// --- words -------------------------------------------------------------------------------------

const say = {
  number(value) {
    if (typeof value !== "number") return value === null || value === undefined ? "" : String(value);
    if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en");
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-4 || size >= 1e9) ? value.toExponential(3) : String(Number(value.toPrecision(5)));
  },
  value(value) {
    if (value === null || value === undefined) return "";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  },
  duration(seconds) {
    if (seconds === null || seconds === undefined) return "";
    if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
    if (seconds < 60) return `${seconds.toFixed(1)} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  },
  size(bytes) {
    if (bytes === null || bytes === undefined) return "";
    const units = ["B", "kB", "MB", "GB", "TB"];
    let place = 0;
    while (bytes >= 1000 && place < units.length - 1) { bytes /= 1000; place += 1; }
    return `${place ? bytes.toFixed(1) : bytes} ${units[place]}`;
  },
  // A time of the store, which is UTC, as the clock here shows it.
  when(text) {
    if (!text) return "";
    const at = new Date(text);
    if (Number.isNaN(at.getTime())) return String(text);
    const two = (number) => String(number).padStart(2, "0");
    const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  },
  count(number, one, many = `${one}s`) {
    return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
  },
};

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no permission, or a page that is not secure: the text stands there to be taken by hand
  }
}

// A line of the grammar, with a button that copies it.
function lineOf(text, label = "Copy the line") {
  const done = el("span", { class: "nbp-muted", role: "status" });
  const press = async () => { done.textContent = (await copy(text)) ? "copied" : "select it and copy"; };
  return el("div", { class: "nbp-line" }, el("code", { text, tabindex: "0" }), button("Copy", press, { "aria-label": label }), done);
}
