import { html, nothing, render, type TemplateResult } from "lit-html";
import { ApiError } from "../api.ts";

/** What somebody is asked before something is done. */
export interface Question {
  readonly title: string;
  /** Drawn anew when `redraw` is called. */
  readonly body?: () => TemplateResult | typeof nothing;
  /** The word on the button that does it. */
  readonly confirm: string;
  readonly isDanger?: boolean;
  /** Whether it may be done as things stand. */
  readonly isReady?: () => boolean;
  /** Does it. What it rejects with is shown in the dialog, which stays. */
  readonly act: () => Promise<void>;
}

export interface Asked {
  /** Resolves with whether it was done. */
  readonly done: Promise<boolean>;
  readonly redraw: () => void;
}

/** Asks in a dialog in front of everything. Ends unanswered with the signal. */
export function ask(question: Question, signal: AbortSignal): Asked {
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  dialog.setAttribute("aria-labelledby", "ask-title");
  document.querySelector(".root")?.append(dialog);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let isBusy = false;
  let refusal: unknown;

  const act = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isBusy || question.isReady?.() === false) return;
    isBusy = true;
    refusal = undefined;
    redraw();
    try {
      await question.act();
      resolve(true);
      dialog.close();
    } catch (error) {
      refusal = error;
    }
    isBusy = false;
    redraw();
  };
  const redraw = (): void =>
    void render(
      html`
        <form @submit=${act}>
          <h2 id="ask-title">${question.title}</h2>
          ${question.body?.() ?? nothing} ${refusal === undefined ? nothing : refused(refusal)}
          <div class="toolbar ask-foot">
            <button type="button" class="button" @click=${() => dialog.close()}>Cancel</button>
            <button class="button ${question.isDanger ? "danger-solid" : "primary"}" ?disabled=${isBusy || question.isReady?.() === false}>
              ${isBusy ? html`<span class="spinner"></span>` : nothing}${question.confirm}
            </button>
          </div>
        </form>
      `,
      dialog,
    );
  const end = (): void => dialog.close();
  signal.addEventListener("abort", end);
  dialog.addEventListener("close", () => {
    signal.removeEventListener("abort", end);
    dialog.remove();
    resolve(false);
  });
  redraw();
  dialog.showModal();
  return { done: promise, redraw };
}

/** What the server says against it, in its own words, with what it says of single fields. */
export function refused(error: unknown): TemplateResult {
  const causes = error instanceof ApiError ? (error.status.details?.causes ?? []) : [];
  return html`
    <div class="refused" role="alert">
      <p>${error instanceof Error ? error.message : String(error)}</p>
      ${
        causes.length < 2
          ? nothing
          : html`<ul>${causes.map(({ field, message }) => html`<li>${field ? html`<code>${field}</code> ` : nothing}${message}</li>`)}</ul>`
      }
    </div>
  `;
}
