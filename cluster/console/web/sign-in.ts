import { html, nothing, render } from "lit-html";
import { mark } from "./mark.ts";
import type { Session } from "./session.ts";

/** The door: any bearer token that the API accepts signs in. `why` says why somebody stands here again. Resolves with nothing: the session tells. */
export function showSignIn(root: HTMLElement, session: Session, why: string | undefined): void {
  let problem = why;
  let isBusy = false;
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const field = root.querySelector("input");
    const token = field?.value.trim() ?? "";
    if (token === "" || isBusy) return;
    isBusy = true;
    draw();
    try {
      const answer = await session.signIn(token);
      problem = "refused" in answer ? answer.refused : undefined;
    } catch {
      problem = "The server does not answer.";
    }
    isBusy = false;
    if (session.user !== undefined) return;
    draw();
    field?.select();
  };
  const draw = (): void => {
    render(
      html`
        <main class="door">
          <form class="door-card" @submit=${submit}>
            <div class="door-mark">${mark()}</div>
            <h1>Sign in to Troupe</h1>
            <p class="muted">With the administrator's kubeconfig, this opens the console and signs in:</p>
            <pre class="code">${document.documentElement.dataset.command}</pre>
            <label class="field">
              <span>Or paste a bearer token</span>
              <input
                type="password"
                name="token"
                autocomplete="off"
                spellcheck="false"
                required
                aria-invalid=${problem === undefined ? "false" : "true"}
                aria-describedby="door-problem"
              />
            </label>
            <p class="door-problem" id="door-problem" role="alert">${problem ?? nothing}</p>
            <button class="button primary wide" ?disabled=${isBusy}>${isBusy ? "Signing in …" : "Sign in"}</button>
            <p class="hint">For a service account: <code>kubectl create token NAME</code></p>
          </form>
        </main>
      `,
      root,
    );
  };
  draw();
  root.querySelector("input")?.focus();
}
