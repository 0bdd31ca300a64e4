// The frame around panels: it mounts them, passes their questions on, and watches for changes of the store.
//
// A panel is registered by name: panels.register("runs", { title, draw(root, context) }). See `contextOf` for what a
// panel is given. A transport is { kind, request(message) -> Promise<answer>, onLost?(listener) }.

const panels = {
  known: new Map(),
  register(name, panel) { panels.known.set(name, panel); },
};

class PanelError extends Error {
  constructor({ message, hint, unknown }, line) {
    super(message);
    this.hint = hint;
    this.unknown = unknown === true; // there is no such thing, and asking again finds none
    this.line = line;
  }
}

const POLL = { first: 1500, most: 5000, grows: 1.5 };
const PATIENCE = 4000;

// Draw panels into an element. Options: `panel`, one by name, or else tabs of all; `insertCell(text)` and
// `openNotebook(path)`, which a host gives that can do so; `shell`, where lines are typed in one. Returns a function that takes everything away again.
function mount(element, transport, options = {}) {
  const names = options.panel ? [options.panel] : [...panels.known.keys()];
  const root = el("div", { class: "nbp", "data-lm-suppress-shortcuts": "true" });
  const banner = el("div", { class: "nbp-banner", role: "status", hidden: true });
  const stage = el("div", { class: "nbp-stage" });
  const state = { root, banner, stage, transport, options, shown: null, contexts: new Map(), stopped: false };
  root.append(banner);
  if (names.length > 1) {
    const tabbed = tabs(names.map((name) => ({ name, title: panels.known.get(name).title, draw: (box) => show(state, name, box) })), { label: "Panels", stage });
    state.goTo = (name) => tabbed.choose(names.indexOf(name));
    root.append(tabbed);
  } else root.append(alone(state, names[0]), stage);
  element.append(root);
  if (names.length === 1) state.goTo(names[0]);
  const watcher = watch(state);
  transport.onLost?.((why) => lost(state, why));
  return () => { state.stopped = true; watcher(); root.remove(); };
}

// One panel without tabs: from it others are visited, and a button leads back.
function alone(state, own) {
  const boxes = new Map();
  const back = el("div", { class: "nbp-bar", hidden: true }, button(`‹ ${panels.known.get(own)?.title ?? own}`, () => state.goTo(own)));
  state.goTo = (name) => {
    if (!boxes.has(name)) { boxes.set(name, el("div", { class: "nbp-page" })); state.stage.append(boxes.get(name)); }
    boxes.forEach((box, other) => { box.hidden = other !== name; });
    back.hidden = name === own;
    show(state, name, boxes.get(name));
  };
  return back;
}

// Show another panel and, once it is drawn, a thing in it.
async function visit(state, name, ref) {
  state.goTo(name);
  const context = state.contexts.get(name);
  await context.drawn;
  await context.arrive?.(ref);
}

function show(state, name, box) {
  state.shown = name;
  if (!state.contexts.has(name)) {
    const context = contextOf(state, name, box);
    state.contexts.set(name, context);
    const draw = () => {
      const patience = setTimeout(() => box.append(el("p", { class: "nbp-empty", role: "status", text: "Waiting for an answer…" })), 300);
      // The token first: what changes while the panel is drawn is not missed.
      context.drawn = context.look().catch(() => undefined)
        .then(() => { clearTimeout(patience); box.replaceChildren(); context.forget(); return panels.known.get(name).draw(box, context); })
        .catch((error) => box.replaceChildren(failure(error), button("Try again", draw)));
    };
    draw();
  } else {
    state.contexts.get(name).look().catch(() => undefined); // the next round says what is wrong
  }
}

// What a panel works with.
function contextOf(state, name, box) {
  const listeners = new Set();
  let token = null;
  const context = {
    // Ask Python; gives the value, or throws a PanelError with its message and hint.
    ask: (ask, params = {}) => request(state, { panel: name, ask, params }),
    // The line that an action is equal to, without running it: as it is typed here, or as a cell has it.
    line: async (act, params = {}) => (await request(state, { panel: name, act, params, dry: true })).line,
    cellLine: async (act, params = {}) => (await request(state, { panel: name, act, params, dry: true })).cell,
    // Show the line of an action, run it when the person says so, and show what came of it; gives the result, or null.
    act: (act, params = {}, how = {}) => perform(state, name, act, params, how),
    // Call back after the store changed; gives a function that stops it.
    onChange(listener) { listeners.add(listener); return () => listeners.delete(listener); },
    // What was asked beside what is shown did not come: the banner says so, and all is asked again when it can be.
    away: (error) => away(state, error),
    // Put a line into the notebook where the host can, and on the clipboard where not.
    insertCell: (text) => offer(state, "insertCell", "nbmlops-insert", { text }, text, "put into the notebook"),
    openNotebook: (path) => offer(state, "openNotebook", "nbmlops-open", { path }, path, "opened"),
    // Show another panel, and in it a thing by its reference; a panel that can do so has `arrive(ref)`.
    visit: (other, ref) => visit(state, other, ref),
    titleOf: (other) => panels.known.get(other).title,
    notify: (text, tone = "plain") => notify(state, text, tone),
    fail: (error) => failure(error),
    // Words of the grammar as they are typed here.
    typed: (words) => (state.options.shell ? `nbmlops ${words}` : `%ml ${words}`),
    // That nothing is there, and what to type first: words of the grammar, in a shell others where they differ.
    empty: (text, words, inShell = words) => el("div", { class: "nbp-empty" }, el("p", { text }), words && lineOf(state.options.shell ? `nbmlops ${inShell}` : `%ml ${words}`)),
    kind: state.transport.kind,
    el, svg, button, facts, say, lineOf, copy, tabs, table, chart, across, debounced, lastAsked,
    // For the frame: whether something changed since it last looked.
    async look({ anyway = false } = {}) {
      const now = await request(state, { panel: name, ask: "changed" });
      const changed = anyway || (token !== null && token !== now);
      token = now;
      if (changed) await Promise.all([...listeners].map((listener) => listener()));
      return changed;
    },
    forget() { listeners.clear(); },
  };
  context.box = box;
  return context;
}

async function request(state, message) {
  const slow = setTimeout(() => warn(state, state.transport.kind === "cell"
    ? "The kernel is busy or gone; this is what was known last." : "No answer yet; this is what was known last."), PATIENCE);
  busy(state, 1);
  try {
    const answer = await state.transport.request(message);
    if (answer.error) throw new PanelError(answer.error, answer.line);
    return answer.ok;
  } finally {
    busy(state, -1);
    clearTimeout(slow);
    if (state.slow) { state.slow = false; state.banner.hidden = true; }
  }
}

// Whether an answer is awaited is told to those who do not see it.
function busy(state, more) {
  state.asked = (state.asked ?? 0) + more;
  if (state.asked) state.stage.setAttribute("aria-busy", "true");
  else state.stage.removeAttribute("aria-busy");
}

function warn(state, text) {
  if (!state.banner.hidden) return;
  state.slow = true;
  state.banner.replaceChildren(el("span", { text }));
  state.banner.hidden = false;
}

function lost(state, why) {
  state.stopped = true;
  state.slow = false;
  state.banner.replaceChildren(el("span", { text: why }));
  state.banner.hidden = false;
}

// Ask now and again whether the store changed, while somebody looks; more rarely the longer nothing happens.
function watch(state) {
  let pause = POLL.first;
  let timer = null;
  const seen = () => document.visibilityState === "visible" && state.root.getClientRects().length > 0;
  const again = () => { clearTimeout(timer); if (!state.stopped) timer = setTimeout(round, pause); };
  async function round() {
    const context = state.contexts.get(state.shown);
    if (context && seen()) {
      try {
        const back = state.isAway; // what was asked for meanwhile never came, whether or not the store is another now
        state.isAway = false;
        const changed = await context.look({ anyway: back });
        if (back && !state.isAway) state.banner.hidden = true;
        pause = changed && !state.isAway ? POLL.first : Math.min(pause * POLL.grows, POLL.most);
      } catch (error) {
        away(state, error);
        pause = Math.min(pause * POLL.grows, POLL.most);
      }
    }
    again();
  }
  state.again = () => { pause = POLL.first; round(); };
  const awake = () => { if (pause > POLL.first) { pause = POLL.first; again(); } };
  state.root.addEventListener("pointerdown", awake);
  state.root.addEventListener("keydown", awake);
  document.addEventListener("visibilitychange", awake);
  again();
  return () => { clearTimeout(timer); document.removeEventListener("visibilitychange", awake); };
}

function away(state, error) {
  if (state.stopped) return;
  state.isAway = true;
  state.slow = false;
  const text = error.hint ? `${error.message} — ${error.hint}` : error.message;
  state.banner.replaceChildren(el("span", { text: `${text}. What is shown is what was known last.` }), button("Try again", () => state.again()));
  state.banner.hidden = false;
}

async function offer(state, own, event, detail, text, done) {
  if (state.options[own]) { await state.options[own](text); return; }
  const asked = new CustomEvent(event, { bubbles: true, cancelable: true, composed: true, detail });
  if (!state.root.dispatchEvent(asked)) { notify(state, `${done}: ${text}`, "good"); return; } // the sidebar's extension did it
  notify(state, (await copy(text)) ? `copied: ${text}` : text);
}

function notify(state, text, tone = "plain") {
  const note = el("div", { class: `nbp-notice nbp-${tone}`, role: "status" }, el("span", { text }),
    button("Dismiss", () => note.remove()));
  state.root.querySelectorAll(".nbp-notice").forEach((old) => old.remove());
  state.banner.after(note);
}

function failure(error) {
  return el("div", { class: "nbp-failure", role: "alert" }, el("pre", { text: error.message }),
    error.hint && el("p", { text: `hint: ${error.hint}` }));
}

// Keys that come while an answer is on its way wait for it, and only the last is asked.
function lastAsked(work) {
  let wanted = false;
  let busy = false;
  return async () => {
    wanted = true;
    if (busy) return;
    busy = true;
    while (wanted) { wanted = false; await work(); }
    busy = false;
  };
}

function debounced(work, pause = 60) {
  let timer = null;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => work(...given), pause); };
}
