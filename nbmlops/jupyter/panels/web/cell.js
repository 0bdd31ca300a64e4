// The panel below a cell: anywidget calls `render`, and messages go to the kernel as custom messages of its model.

function cellTransport(model) {
  const waiting = new Map();
  let number = 0;
  let why = null;
  const listeners = new Set();
  const gone = () => {
    why = "The kernel that drew this panel has ended. What is shown was known last: run `%ml panel` again.";
    listeners.forEach((listener) => listener(why));
    waiting.forEach((resolve) => resolve({ error: { message: why } }));
    waiting.clear();
  };
  const receive = (content) => {
    const resolve = waiting.get(content?.id);
    waiting.delete(content?.id);
    resolve?.(content.answer);
  };
  model.on("msg:custom", receive);
  model.on("comm:close", gone);
  model.on("comm_live_update", () => { if (model.get("comm_live") === false) gone(); });
  return {
    kind: "cell",
    request(message) {
      if (why) return Promise.resolve({ error: { message: why } });
      return new Promise((resolve) => {
        number += 1;
        waiting.set(number, resolve);
        model.send({ id: number, message });
      });
    },
    onLost: (listener) => { listeners.add(listener); if (why) listener(why); },
    close() { model.off("msg:custom", receive); },
  };
}

function render({ model, el: element }) {
  const transport = cellTransport(model);
  const unmount = mount(element, transport, { panel: model.get("panel") || null });
  return () => { unmount(); transport.close(); };
}
