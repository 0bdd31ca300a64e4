// Actions: the line first, then a confirmation, then what came of it, which stays until it is closed.

// Run an action of a panel. How: `title`, what the dialog is called; `run`, the word on the button; `about`, a node or
// text above the line. Gives the result, or null when it was not run, was refused, or was closed before it came.
async function perform(state, panel, act, params, how = {}) {
  const message = { panel, act, params };
  let planned;
  try {
    planned = await request(state, { ...message, dry: true });
  } catch (error) {
    return spoken(state, how.title ?? act, failure(error));
  }
  return new Promise((resolve) => {
    const came = el("div", { class: "nbp-came", "aria-live": "polite" });
    const { dialog, foot } = dialogOf(state, how.title ?? act, [how.about, lineOf(planned.line), came]);
    let result = null;
    const go = button(how.run ?? "Run", () => run(), { class: "nbp-button nbp-primary" });
    const close = button("Cancel", () => dialog.close());
    foot.append(go, close);
    async function run() {
      go.disabled = true;
      close.textContent = "Close";
      came.replaceChildren(el("p", { class: "nbp-muted", text: "running… It goes on when this is closed" }));
      try {
        const value = await request(state, message);
        result = value;
        go.remove();
        if (!dialog.open) notify(state, `${planned.line}: ${value.apart ? "started" : value.text.split("\n")[0]}`, value.apart || value.good ? "good" : "plain");
        if (value.apart) follow(state, panel, value.apart, came, foot);
        else came.replaceChildren(el("pre", { text: value.text, class: value.good ? "" : "nbp-warn" }));
        close.focus();
        state.contexts.get(panel)?.look().catch(() => undefined); // the next round says what is wrong
      } catch (error) {
        go.disabled = false;
        close.textContent = "Cancel";
        if (!dialog.open) notify(state, `${planned.line}: ${error.message}`, "bad");
        came.replaceChildren(failure(error));
      }
    }
    dialog.addEventListener("close", () => { dialog.remove(); resolve(result); });
    dialog.showModal();
    go.focus();
  });
}

// Show what a line prints that runs in a process of its own, until it ends; closed, it goes on.
function follow(state, panel, apart, came, foot) {
  const log = el("pre", { class: "nbp-log", tabindex: "0", "aria-label": "What it prints" });
  const begun = "started in a process of its own; it goes on when this is closed";
  const status = el("p", { role: "status", text: begun });
  let away = false;
  const stop = button("Stop", () => request(state, { panel, apart, stop: true }).catch((error) => { status.textContent = error.message; }));
  came.replaceChildren(status, log);
  foot.prepend(stop);
  async function round() {
    if (!log.isConnected) return;
    try {
      const now = await request(state, { panel, apart });
      if (away) status.textContent = begun;
      away = false;
      log.textContent = now.text;
      log.scrollTop = log.scrollHeight;
      if (now.running) { setTimeout(round, 700); return; }
      status.textContent = now.code === 0 ? "done" : `ended with code ${now.code}`;
    } catch (error) {
      status.textContent = error.message;
      away = true;
      // A server or a network that is away for a moment has not ended it.
      if (!error.unknown) { setTimeout(round, POLL.most); return; }
    }
    stop.remove();
  }
  round();
}

function spoken(state, title, body) {
  return new Promise((resolve) => {
    const { dialog, foot } = dialogOf(state, title, [body]);
    foot.append(button("Close", () => dialog.close()));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(null); });
    dialog.showModal();
  });
}

function dialogOf(state, title, body) {
  const foot = el("div", { class: "nbp-foot" });
  const dialog = el("dialog", { class: "nbp-dialog", "aria-label": title }, el("h2", { text: title }), body, foot);
  state.root.append(dialog);
  return { dialog, foot };
}
