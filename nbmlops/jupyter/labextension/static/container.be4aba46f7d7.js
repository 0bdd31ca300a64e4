// What JupyterLab loads: a container of module federation, written by hand, so that nothing is compiled at install.
// It holds no more than the way to the sidebar, which the server extension sends; so the two are always of one version.
(() => {
  // What JupyterLab calls itself among those who share libraries: now, until 4.3, and Notebook.
  const CORE = ["_JUPYTERLAB.CORE_OUTPUT", "@jupyterlab/application-top", "@jupyter-notebook/app"];
  const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}");
  let scope = {};

  // A library as JupyterLab itself uses it, by its name; other extensions may have brought copies of their own.
  const shared = async (name) => {
    const versions = Object.values(scope[name] || {});
    const own = versions.find((version) => CORE.includes(version.from));
    const chosen = own || versions.find((version) => version.loaded) || versions[0];
    if (!chosen) throw new Error(`nbmlops: JupyterLab has no ${name}`);
    return (await chosen.get())();
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB.nbmlops = {
    init(given) {
      scope = given;
    },
    async get() {
      const sidebar = await import(`${config.baseUrl || "/"}nbmlops/sidebar.js`);
      const plugin = await sidebar.default(shared);
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
