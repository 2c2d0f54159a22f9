import { html, nothing, type TemplateResult } from "lit-html";
import { hrefOf } from "../address.ts";
import { namespaceOf } from "../objects/namespace-picker.ts";
import { objectAddress } from "../objects/resource-types.ts";
import { Applying, type Outcome } from "../objects/yaml/apply.ts";
import { Editor } from "../objects/yaml/editor.ts";
import { parseManifests } from "../objects/yaml/manifest.ts";
import { drawing, type ViewContext } from "../view.ts";

/** Objects from pasted YAML or JSON, as many documents as there are, by server-side apply: tried on the server first, and applied when it takes them all. */
export function open(context: ViewContext): void {
  const { root, signal, keys } = context;
  root.classList.add("fill");
  const place = document.createElement("div");
  let outcomes: readonly Outcome[] = [];
  let isTried = false;
  let isBusy = false;
  const editor = new Editor(place, "Objects as YAML or JSON", () => {
    isTried = false;
    outcomes = [];
    draw();
  });
  const run = async (dryRun: boolean, force = false): Promise<void> => {
    const parsed = parseManifests(editor.text);
    if ("faults" in parsed) return editor.show(parsed.faults);
    if (parsed.manifests.length === 0 || isBusy) return;
    isBusy = true;
    draw();
    const applying = new Applying(context, parsed.manifests, namespaceOf(context) || "default");
    outcomes = await applying.run({
      dryRun,
      force,
      told: (now) => {
        outcomes = now;
        draw();
      },
    });
    isBusy = false;
    if (signal.aborted) return;
    editor.show(outcomes.flatMap(({ faults }) => faults));
    isTried = dryRun && outcomes.every(({ faults }) => faults.length === 0);
    draw();
  };
  const template = (): TemplateResult => {
    const isConflict = outcomes.some((outcome) => outcome.isConflict);
    return html`
      <header class="page-head">
        <h1>Create</h1>
        <span class="muted">Objects without a namespace go to ${namespaceOf(context) || "default"}.</span>
        <div class="toolbar">
          ${isBusy ? html`<span class="spinner"></span>` : nothing}
          <button type="button" class="button" ?disabled=${isBusy || editor.text.trim() === ""} @click=${() => run(true)}>Try</button>
          <button type="button" class="button primary" ?disabled=${isBusy || !isTried} @click=${() => run(false)}>Apply</button>
          ${isConflict ? html`<button type="button" class="button danger" ?disabled=${isBusy} @click=${() => run(false, true)}>Apply over others' fields</button>` : nothing}
        </div>
      </header>
      <p class="muted" role="status">${isTried ? "The server would take all of it." : "Paste YAML or JSON, of several objects if need be, and try it: nothing is made before you apply it."}</p>
      ${outcomes.length === 0 ? nothing : html`<ul class="outcomes">${outcomes.map(line)}</ul>`} ${place}
    `;
  };
  const draw = drawing(context, template);
  keys.bind("e", "Edit", () => editor.focus(), signal);
  editor.focus();
}

function line({ kind, id, name, namespace, state, faults }: Outcome): TemplateResult {
  const isThere = id !== undefined && (state === "created" || state === "configured" || state === "unchanged");
  const tone = faults.length > 0 ? "bad" : state === "waits" ? "plain" : "good";
  return html`
    <li>
      <span>${kind} ${isThere ? html`<a href=${hrefOf(objectAddress(id, namespace, name))}>${name}</a>` : name}</span>
      <span class="state-word ${tone}">${faults.length > 0 ? "refused" : state}</span>
    </li>
  `;
}
