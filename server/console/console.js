// The console's page. It shows names that users chose, so everything goes in as text, never as
// markup.

const page = (id) => document.getElementById(id);
let csrf = "";
let seen = null;
let signedIn = false;
let newest = null;
let switching = false;
let following = new AbortController();

const WENT = {
  conversation: "Conversation",
  history: "Messages; the entry stays",
  entry: "List entry; messages stay",
};

const LIVE = "Live";

async function call(path, options = {}) {
  const headers = { "X-CSRF-Token": csrf };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(`/console/api/${path}`, { ...options, headers, credentials: "same-origin" });
}

function post(path, body) {
  return call(path, { method: "POST", body: JSON.stringify(body) });
}

function show(inside) {
  signedIn = inside;
  page("sign-in").hidden = inside;
  page("sign-in-error").textContent = "";
  page("console").hidden = !inside;
  document.title = inside ? "Multi-client Synchronization Settings · adieu console" : "Sign in · adieu console";
  if (!inside) {
    csrf = "";
    seen = null;
    newest = null;
    // Nothing of what was shown stays behind the door.
    page("deletions").replaceChildren();
    page("devices").replaceChildren();
    page("password").focus();
  }
}

// --- what the state says

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const count = new Intl.NumberFormat();

function size(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  while (bytes >= 1000 && at < units.length - 1) {
    bytes /= 1000;
    at += 1;
  }
  return `${bytes < 10 && at > 0 ? bytes.toFixed(1) : Math.round(bytes)} ${units[at]}`;
}

// Of the deletions on the page, which are not more than these.
function behind(deletions) {
  return deletions < 50 ? count.format(deletions) : "50 or more";
}

function span(seconds) {
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit}`;
  }
  return `${seconds} s`;
}

function time(at, now) {
  const element = document.createElement("time");
  const date = new Date(at * 1000);
  element.dateTime = date.toISOString();
  element.title = clock.format(date);
  const past = Math.max(0, now - at);
  if (past < 60) element.textContent = "just now";
  else if (past < 3600) element.textContent = ago.format(-Math.floor(past / 60), "minute");
  else if (past < 86400) element.textContent = ago.format(-Math.floor(past / 3600), "hour");
  else element.textContent = clock.format(date);
  return element;
}

function pill(text, kind = "") {
  const element = document.createElement("span");
  element.className = `pill ${kind}`.trim();
  element.textContent = text;
  return element;
}

// One row; each cell is [heading, text or element, class].
function row(cells) {
  const line = document.createElement("tr");
  // Said, because a narrow screen does not show it as a table.
  line.setAttribute("role", "row");
  for (const [name, content, kind = ""] of cells) {
    const cell = document.createElement("td");
    cell.setAttribute("role", "cell");
    cell.dataset.name = name;
    cell.className = kind;
    // One element, so that a narrow screen sets it beside its name.
    if (content instanceof Node) cell.append(content);
    else cell.append(Object.assign(document.createElement("span"), { textContent: content }));
    line.append(cell);
  }
  return line;
}

// Rows that say what stands there already are left alone, and with them what somebody has marked.
function fill(id, rows) {
  const body = page(id);
  const shown = [...body.children];
  if (rows.length !== shown.length || rows.some((one, at) => !one.isEqualNode(shown[at]))) {
    body.replaceChildren(...rows);
  }
}

function deletionRow(one, now) {
  const line = row([
    ["When", time(one.at, now)],
    ["User", one.owner, "name"],
    ["Conversation", one.conversation, "name"],
    ["What went", WENT[one.extent]],
    ["Cut-off", count.format(one.cutOff), "number"],
    ["Messages", one.extent === "entry" ? "–" : count.format(one.cleared), "number"],
    ["Through", one.device === null ? "REST" : `Device ${one.device}`, "name"],
    ["Other devices", one.propagated ? pill("Told", "good") : pill("Not told")],
  ]);
  if (newest !== null && one.number > newest) line.className = "fresh";
  return line;
}

function deviceRow(one, now) {
  return row([
    ["Last seen", time(one.at, now)],
    ["User", one.owner, "name"],
    ["Device", one.device ?? "not named", "name"],
    ["Version", one.version ?? "not stated"],
    ["State", one.waiting ? pill("Connected", "good") : pill("Away")],
  ]);
}

function render(state) {
  csrf = state.csrf;
  seen = state.seen;
  for (const id of ["app-id", "app-id-too"]) page(id).textContent = state.appId;
  page("version").textContent = state.version;
  page("health").textContent = `Up ${span(state.uptime)}`;
  page("waiting").textContent = count.format(state.waiting);
  page("backlog").textContent = count.format(state.purgeBacklog);
  page("bytes").textContent = size(state.storeBytes);
  page("connections").textContent = count.format(state.connections);
  page("webhook").textContent =
    state.webhook === null ? "None" : state.webhook === 0 ? "Up to date" : `${behind(state.webhook)} behind`;
  if (!switching) setSwitch(state.syncDeletions);

  fill("deletions", state.deletions.map((one) => deletionRow(one, state.now)));
  page("no-deletions").hidden = state.deletions.length > 0;
  fill("devices", state.devices.map((one) => deviceRow(one, state.now)));
  page("no-devices").hidden = state.devices.length > 0;

  const last = state.deletions[0];
  const number = last === undefined ? 0 : last.number;
  if (newest !== null && number > newest) {
    page("news").textContent = `New deletion: ${last.owner}, ${last.conversation}`;
  }
  newest = number;
}

function setSwitch(on) {
  page("switch").setAttribute("aria-checked", String(on));
  page("switch-word").textContent = on ? "On" : "Off";
}

function connection(text) {
  const element = page("connection");
  if (element.textContent !== text) element.textContent = text;
  element.className = `pill ${text === LIVE ? "good" : "bad"}`;
}

const pause = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds));

// Asks for the state again and again; the server answers when it has changed.
async function follow() {
  const { signal } = (following = new AbortController());
  let failures = 0;
  while (!signal.aborted) {
    let trouble = "Connection lost; trying again";
    try {
      const answer = await call(seen === null ? "state" : `state?seen=${seen}`, { signal });
      if (answer.status === 401) {
        show(false);
        return;
      }
      trouble = "The server has trouble; trying again";
      if (!answer.ok) throw new Error(String(answer.status));
      const state = await answer.json();
      if (signal.aborted) return;
      if (!signedIn) show(true);
      render(state);
      connection(LIVE);
      failures = 0;
    } catch {
      if (signal.aborted) return;
      connection(trouble);
      // After a reload, while nothing is known yet.
      if (!signedIn) {
        page("sign-in").hidden = false;
        page("sign-in-error").textContent = trouble;
      }
      failures += 1;
      await pause(Math.min(10000, 500 * 2 ** failures));
    }
  }
}

// --- what the operator does

page("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const error = page("sign-in-error");
  const button = event.target.querySelector("button");
  error.textContent = "";
  button.disabled = true;
  try {
    const answer = await post("sign-in", { password: page("password").value });
    if (answer.ok) {
      csrf = (await answer.json()).csrf;
      page("password").value = "";
      show(true);
      page("main").focus();
      follow();
    } else if (answer.status === 429) {
      error.textContent = `Too many attempts. Try again in ${answer.headers.get("Retry-After")} seconds.`;
    } else if (answer.status === 401) {
      error.textContent = "That is neither the operator’s password nor a UserSig of the administrator.";
      page("password").select();
    } else {
      error.textContent = `The server could not sign you in (${answer.status}).`;
    }
  } catch {
    error.textContent = "The server cannot be reached.";
  } finally {
    button.disabled = false;
  }
});

page("sign-out").addEventListener("click", async () => {
  following.abort();
  try {
    await call("sign-out", { method: "POST" });
  } finally {
    show(false);
  }
});

page("switch").addEventListener("click", async () => {
  if (switching) return;
  switching = true;
  const was = page("switch").getAttribute("aria-checked") === "true";
  const error = page("switch-error");
  error.textContent = "";
  setSwitch(!was);
  try {
    const answer = await post("sync-deletions", { on: !was });
    if (answer.status === 401) show(false);
    if (!answer.ok) throw new Error(String(answer.status));
    page("news").textContent = was ? "Switched off" : "Switched on";
  } catch {
    setSwitch(was);
    error.textContent = "It could not be changed; it stands as it was.";
  } finally {
    switching = false;
  }
});

follow();
