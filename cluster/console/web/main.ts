import { render } from "lit-html";
import { Api } from "./api.ts";
import { Connection } from "./connection.ts";
import { Keys } from "./keys.ts";
import { Palette } from "./palette.ts";
import { type Place, Router } from "./router.ts";
import { ROUTES } from "./routes.ts";
import { Session } from "./session.ts";
import { Shell } from "./shell.ts";
import { showSignIn } from "./sign-in.ts";
import { empty, problem } from "./states.ts";
import { themes } from "./theme.ts";

/** The console: who is signed in decides whether the door or the frame is shown, the address decides which view is in it. */
const app = document.getElementById("app") ?? document.body;
const session = new Session();
const connection = new Connection();
const api = new Api(session, connection);
const keys = new Keys();
const shell = new Shell(session, connection, () => palette.open());
let leave = new AbortController();

const router = new Router((place) => void arrive(place));

const palette = new Palette(api, keys, (to) => router.go(to));

async function arrive({ route, params, path, query }: Place): Promise<void> {
  if (session.user === undefined) return;
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const root = shell.show(route, params);
  document.title = `${[params.name, route?.title, "Troupe"].filter(Boolean).join(" · ")}`;
  if (route === undefined) {
    render(empty("There is no such view", path), root);
    return;
  }
  try {
    const { open } = await route.load();
    if (signal.aborted) return;
    await open({
      root,
      params,
      query,
      signal,
      api,
      connection,
      keys,
      go: (to, how) => router.go(to, how),
      note: (shown) => router.note(shown),
    });
  } catch (error) {
    if (!signal.aborted)
      render(
        problem(error, () => router.arrive()),
        root,
      );
  }
}

/** Draws the page anew: what was drawn for one user is not kept for the next. `why` nobody is signed in. */
function begin(why: string | undefined): void {
  leave.abort();
  const root = document.createElement("div");
  root.className = "root";
  app.replaceChildren(root);
  if (session.user === undefined) {
    document.title = "Sign in · Troupe";
    showSignIn(root, session, why);
  } else {
    shell.mount(root);
    router.arrive();
  }
}

for (const { path, title, navigation } of ROUTES)
  if (navigation !== undefined) keys.bind(`g ${navigation.key}`, title, () => router.go(path));
keys.bind("t", "Theme: system, light, dark", () => themes.next());
keys.bind("/", "Search everything (Ctrl-K, too)", () => palette.open());
keys.bind("?", "These keys", () => shell.help(keys.help()));
keys.listen(document);
addEventListener("keydown", (event) => {
  if (event.key !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || session.user === undefined) return;
  event.preventDefault();
  palette.open();
});

const refused = await session.restore().catch(() => {
  connection.lost();
  return "The server does not answer.";
});
session.addEventListener("change", () => begin(session.why));
// Whoever pastes the address of `troupe console` into a tab of the console loads no page.
addEventListener("hashchange", () => void session.restore().catch(() => connection.lost()));
begin(refused);
