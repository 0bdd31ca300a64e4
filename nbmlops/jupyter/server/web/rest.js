// The panels' way to Python where there is no kernel: each message is a request to the server.

/**
 * A transport for the panels.
 *
 * @param {(path: string, init: RequestInit) => Promise<Response>} send Sends a request below /nbmlops, signed in.
 * @param {() => string} folder Names the folder whose workspace is meant.
 */
export function rest(send, folder) {
  return {
    kind: "rest",
    async request(message) {
      let response;
      try {
        response = await send("api/panel", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ folder: folder(), message }),
        });
      } catch {
        return { error: { message: "the server does not answer", hint: "is it still running?" } };
      }
      return read(response);
    },
  };
}

/** The answer in a response; one that the server gave without asking the panels has the same form. */
export async function read(response) {
  let answer = null;
  try {
    answer = await response.json();
  } catch {
    // A proxy's page, or half an answer: the status says what is known.
  }
  if (answer && (answer.error || "ok" in answer)) return answer;
  if (response.status === 403) {
    return { error: { message: "the server does not know you any more", hint: "sign in again, then load this page" } };
  }
  const said = answer && typeof answer.message === "string" ? answer.message : response.statusText;
  return { error: { message: `the server answered ${response.status} ${said}`.trim(), hint: null } };
}
