// The panel below a cell: anywidget calls `render`, and messages go to the kernel as custom messages of its model.

const ANSWERS = 5000; // milliseconds in which a kernel that still knows this panel answers, if it is not at work
const AGAIN = 1200; // after so many a question is asked again: the first may wait behind a cell, and this one need not

function cellTransport(model) {
  const waiting = new Map();
  const listeners = new Set();
  let number = 0;
  let why = null;
  const gone = () => {
    if (why) return;
    why = "The kernel that drew this panel has ended. What is shown was known last; run %ml panel again.";
    waiting.forEach((resolve) => resolve({ error: { message: why } }));
    waiting.clear();
    listeners.forEach((listener) => listener(why));
  };
  const receive = (content) => {
    const resolve = waiting.get(content?.id);
    waiting.delete(content?.id);
    resolve?.(content.answer);
  };
  const put = (asked) => {
    if (why || !waiting.has(asked.id)) return;
    try {
      model.send(asked);
    } catch {
      gone(); // its channel is closed
    }
  };
  const send = (message) => new Promise((resolve) => {
    number += 1;
    const asked = { id: number, message };
    waiting.set(number, resolve);
    put(asked);
    if (message.ask) setTimeout(put, AGAIN, asked);
  });
  // Told when the connection was lost or is back; only a kernel that was not started anew answers.
  const doubt = () => {
    const timer = setTimeout(gone, ANSWERS);
    send({ ask: "panels" }).then(() => clearTimeout(timer));
  };
  model.on("msg:custom", receive);
  model.on("comm:close", gone);
  model.on("comm_live_update", doubt);
  return {
    kind: "cell",
    request: (message) => (why ? Promise.resolve({ error: { message: why } }) : send(message)),
    onLost(listener) { listeners.add(listener); if (why) listener(why); },
    close() { model.off("msg:custom", receive); model.off("comm:close", gone); model.off("comm_live_update", doubt); },
  };
}

function render({ model, el: element }) {
  const transport = cellTransport(model);
  const unmount = mount(element, transport, { panel: model.get("panel") || null });
  return () => { unmount(); transport.close(); };
}
