// The sidebar of JupyterLab: the panels of the workspace around the folder that the file browser shows.
// It asks the server and no kernel, so a kernel may restart or die while it is open.

import { read, rest } from "./rest.js";

const ID = "nbmlops-sidebar";
const SHOW = "nbmlops:show-panels";
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
<g class="jp-icon3 jp-icon-selectable" fill="#616161">
<path d="M4 4h16v3H4zm0 6.5h10v3H4zM4 17h7v3H4z"/><path d="M17.5 11.5l4 4-1.4 1.4-1.6-1.6V21h-2v-5.7l-1.6 1.6-1.4-1.4z"/>
</g></svg>`;

/** Make the plugin of what JupyterLab has loaded; `shared` gives a library by its name. */
export default async function plugin(shared) {
  const [application, filebrowser, notebook, services, components, widgets, apputils] = await Promise.all(
    [
      "@jupyterlab/application",
      "@jupyterlab/filebrowser",
      "@jupyterlab/notebook",
      "@jupyterlab/services",
      "@jupyterlab/ui-components",
      "@lumino/widgets",
      "@jupyterlab/apputils",
    ].map(shared),
  );
  const libraries = { notebook, services, components, widgets, apputils };
  return {
    id: "nbmlops:sidebar",
    description: "The panels of the nbmlops workspace around the current folder.",
    autoStart: true,
    // All optional: Notebook 7 loads this too, has no left side to put it on, and is left alone.
    optional: [
      application.ILabShell,
      filebrowser.IDefaultFileBrowser,
      notebook.INotebookTracker,
      application.ILayoutRestorer,
      apputils.ICommandPalette,
    ],
    activate(app, shell, browser, notebooks, restorer, palette) {
      const settings = app.serviceManager.serverSettings;
      const base = `${settings.baseUrl}nbmlops/`;
      // Adds the token, or the cookie and its XSRF header, as every request of JupyterLab's own.
      const send = (path, init = {}) => services.ServerConnection.makeRequest(base + path, init, settings);
      const place = new Place(send, () => app.serviceManager.contents.localPath(browser.model.path));
      const host = makeHost(libraries, app, place, notebooks);
      if (notebooks) helpCells(host, place, notebooks);
      if (!shell || !browser) return;
      for (const name of ["panel.css", "sidebar.css"]) style(base + name);
      const load = () => import(`${base}panel.js`);
      const sidebar = makeSidebar(libraries, { browser, place, host, load, send });
      shell.add(sidebar, "left", { rank: 550 });
      restorer?.add(sidebar, ID);
      app.commands.addCommand(SHOW, {
        label: "Show nbmlops Panels",
        caption: sidebar.title.caption,
        execute: () => shell.activateById(ID),
      });
      palette?.addItem({ command: SHOW, category: "nbmlops" });
    },
  };
}

/** What the panels ask of the page around them. */
function makeHost({ notebook, apputils }, app, place, notebooks) {
  const say = (message) => apputils.Notification.info(message, { autoClose: 8000 });
  return {
    async insertCell(text) {
      const current = notebooks?.currentWidget;
      if (!current) {
        await navigator.clipboard?.writeText(text);
        say(`Copied, since no notebook is open to put it in: ${text}`);
        return;
      }
      notebook.NotebookActions.insertBelow(current.content);
      current.content.activeCell.model.sharedModel.setSource(text);
      app.shell.activateById(current.id);
    },
    // The path is as a run of the workspace around `folder` names it.
    async openNotebook(path, folder) {
      const answer = await place.around(folder, path);
      const shown = answer.ok?.notebook;
      if (shown) await app.commands.execute("docmanager:open", { path: shown });
      else say(`It is not there, or outside of the folders that this JupyterLab shows: ${path}`);
    },
  };
}

function makeSidebar({ components, widgets }, { browser, place, host, load, send }) {
  const options = { insertCell: host.insertCell, openNotebook: (path) => host.openNotebook(path, place.folder) };

  class Sidebar extends widgets.Widget {
    constructor() {
      super();
      this.id = ID;
      this.addClass("nbmlops-Sidebar");
      this.title.icon = new components.LabIcon({ name: "nbmlops:panels", svgstr: ICON });
      this.title.caption = "nbmlops: runs, data, models, checks, pipelines, monitors and the catalog of this folder's workspace";
      this.node.setAttribute("role", "region");
      this.node.setAttribute("aria-label", "nbmlops");
      this.content = new Content(this.node, place, load, rest(send, () => place.folder), options);
      browser.model.pathChanged.connect(() => this.isVisible && this.content.follow());
    }
    onAfterShow() {
      this.content.follow();
    }
    onBeforeHide() {
      this.content.rest();
    }
    dispose() {
      this.content.clear();
      super.dispose();
    }
  }
  return new Sidebar();
}

/** Do what a panel below a cell asks for: it can reach its kernel, but not the notebook that it stands in. */
function helpCells(host, place, notebooks) {
  document.addEventListener("nbmlops-insert", (event) => {
    event.preventDefault();
    host.insertCell(event.detail.text);
  });
  document.addEventListener("nbmlops-open", async (event) => {
    const notebook = notebooks.currentWidget?.context.path;
    if (notebook === undefined) return;
    event.preventDefault();
    await host.openNotebook(event.detail.path, notebook.split("/").slice(0, -1).join("/"));
  });
  notebooks.widgetAdded.connect((_, opened) => new MutationObserver((changes) => {
    for (const { target } of changes) if (isLost(target)) showPicture(opened.content, target);
  }).observe(opened.node, { childList: true, subtree: true }));
}

/** Whether a panel would stand here, and its kernel ended before the notebook was opened. */
function isLost(node) {
  return node.classList?.contains("jp-OutputArea-output") && node.textContent.startsWith("Error displaying widget");
}

/** Show the picture that the notebook keeps of a panel, in place of the message that it cannot be drawn. */
async function showPicture(content, node) {
  for (const cell of content.widgets.filter((one) => one.outputArea?.node.contains(node))) {
    const { model, widgets } = cell.outputArea;
    const output = model.get(widgets.findIndex((one) => one.node.contains(node)));
    if (!String(output?.data["text/html"] ?? "").includes('class="nbmlops')) return;
    const picture = content.rendermime.createRenderer("text/html");
    await picture.renderModel(output);
    node.replaceChildren(picture.node);
  }
}

/** Where the file browser is, and which workspace that is in. */
class Place {
  constructor(send, current) {
    this.send = send;
    this.current = current;
    this.folder = "";
    this.version = null;
  }

  /** The workspace around a folder, and where a notebook of it lies. */
  async around(folder, notebook = "") {
    return read(await this.send(`api/workspace?${new URLSearchParams({ folder, notebook })}`));
  }

  /** The workspace around the folder that the file browser shows. */
  async find() {
    const folder = this.current();
    const answer = await this.around(folder);
    if (answer.error) return answer;
    this.folder = folder;
    this.version ??= answer.version;
    if (answer.version !== this.version) {
      const message = `nbmlops is ${answer.version} now, and this page has ${this.version}`;
      return { error: { message, hint: "load the page again" } };
    }
    return answer;
  }
}

/** What the sidebar shows: the workspace's name and its panels, or why there are none. */
class Content {
  constructor(root, place, load, transport, options) {
    Object.assign(this, { place, load, transport, options });
    this.title = element("h2", "nbmlops-Sidebar-name");
    this.body = element("div", "nbmlops-Sidebar-body");
    root.append(this.title, this.body);
    this.shown = null;
    this.turn = 0;
    this.timer = null;
  }

  /** Show the workspace of the folder that the file browser shows now. */
  async follow() {
    const turn = ++this.turn;
    clearTimeout(this.timer);
    let answer;
    try {
      answer = await this.place.find();
    } catch {
      answer = { error: { message: "the server does not answer", hint: "this goes on by itself when it does" } };
    }
    if (turn !== this.turn) return;
    const shown = answer.ok && `${answer.ok.id} ${answer.ok.path}`;
    if (shown && shown === this.shown) return;
    if (answer.ok) await this.show(answer.ok, turn);
    else this.explain(answer.error || NONE);
    if (!answer.ok) this.timer = setTimeout(() => this.follow(), 3000);
  }

  async show(workspace, turn) {
    this.clear();
    this.title.textContent = workspace.name;
    this.title.title = workspace.name;
    const panels = await this.load();
    if (turn !== this.turn) return;
    this.shown = `${workspace.id} ${workspace.path}`;
    const host = element("div", "nbmlops-Sidebar-panels");
    this.body.replaceChildren(host);
    this.unmount = await panels.mount(host, this.transport, this.options);
  }

  explain({ message, hint }) {
    this.clear();
    this.title.textContent = "nbmlops";
    const said = element("p", "nbmlops-Sidebar-message", message);
    said.setAttribute("role", "status");
    this.body.replaceChildren(said);
    if (hint) this.body.append(element("p", "nbmlops-Sidebar-hint", hint));
  }

  /** Ask for nothing while nobody looks. */
  rest() {
    this.turn += 1;
    clearTimeout(this.timer);
  }

  clear() {
    if (typeof this.unmount === "function") this.unmount();
    this.unmount = null;
    this.shown = null;
    this.body.replaceChildren();
  }
}

const NONE = {
  message: "This folder is in no workspace.",
  hint: "Make one: in a notebook here, %load_ext nbmlops, then %ml init.",
};

function element(tag, name, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

function style(address) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = address;
  document.head.append(link);
}
