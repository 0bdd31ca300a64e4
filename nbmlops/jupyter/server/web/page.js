// The page of `nbmlops ui`: the panels of one workspace, outside Jupyter.

import { mount } from "./panel.js";
import { rest } from "./rest.js";

// The cookie knows this browser now. The token stays neither in the address bar nor in the history.
history.replaceState(null, "", location.pathname);

const send = (path, init = {}) => fetch(path, { ...init, credentials: "same-origin" });
const host = document.getElementById("panels");
mount(host, rest(send, () => ""), { shell: true });
