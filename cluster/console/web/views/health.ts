import { html, type TemplateResult } from "lit-html";
import { ApiError } from "../api.ts";
import { loading, problem } from "../states.ts";
import { drawing, repeatedly, type ViewContext } from "../view.ts";

const POLL_MS = 2_000;

interface Check {
  readonly name: string;
  readonly isWell: boolean;
}

interface Version {
  readonly gitVersion: string;
}

/** What the server says of itself: its checks one by one, as `/readyz?verbose` has them. */
export async function open(context: ViewContext): Promise<void> {
  const { api, signal } = context;
  let checks: readonly Check[] | undefined;
  let version: Version | undefined;
  let failure: unknown;
  const template = (): TemplateResult => html`
    <header class="page-head">
      <h1>Health</h1>
      <span class="muted">${version?.gitVersion ?? ""}</span>
    </header>
    ${failure !== undefined ? problem(failure) : checks === undefined ? loading("health") : table(checks)}
  `;
  const draw = drawing(context, template);
  const check = async (): Promise<void> => {
    version ??= await api.get<Version>("/version", { signal });
    checks = checksOf(await verbose(context));
  };
  await repeatedly(context, POLL_MS, check, (error) => {
    failure = error;
    draw();
  });
}

/** A server that is not ready says why with a 500. */
async function verbose({ api, signal }: ViewContext): Promise<string> {
  try {
    return await api.text("/readyz?verbose", { signal });
  } catch (error) {
    if (error instanceof ApiError && error.message.includes("[-]")) return error.message;
    throw error;
  }
}

/** `[+]ping ok` and `[-]log failed: reason withheld`, one a line. */
function checksOf(text: string): readonly Check[] {
  return [...text.matchAll(/^\[([+-])\](\S+)/gm)].map(([, sign, name = ""]) => ({ name, isWell: sign === "+" }));
}

function table(checks: readonly Check[]): TemplateResult {
  return html`
    <table class="table">
      <thead>
        <tr><th scope="col">Check</th><th scope="col">State</th></tr>
      </thead>
      <tbody>
        ${checks.map(
          ({ name, isWell }) => html`
            <tr>
              <td class="mono">${name}</td>
              <td><span class="badge ${isWell ? "good" : "bad"}">${isWell ? "ok" : "failed"}</span></td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  `;
}
