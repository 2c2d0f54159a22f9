import { html, nothing, type TemplateResult } from "lit-html";
import { count } from "../../format.ts";
import { contentsOf, type Dependents, dependentsOf } from "../dependents.ts";
import { ask } from "../dialog.ts";
import { notice } from "../notice.ts";
import { listAddress, type ResourceType } from "../resource-types.ts";
import type { Subject } from "../subject.ts";
import { type Action, deedOn, pathOf } from "./action.ts";

type Propagation = "Background" | "Foreground" | "Orphan";

const PROPAGATIONS: readonly { readonly id: Propagation; readonly words: string }[] = [
  { id: "Background", words: "It goes now, what belongs to it after it" },
  { id: "Foreground", words: "What belongs to it goes first" },
  { id: "Orphan", words: "What belongs to it stays, without an owner" },
];
/** Those with which much goes want their name to be typed. */
const NAMED: ReadonlySet<string> = new Set(["namespaces", "customresourcedefinitions.apiextensions.k8s.io", "nodes", "persistentvolumes"]);
const NAMES_SHOWN = 6;

export const DELETE: Action = {
  id: "delete",
  title: "Delete",
  key: "x",
  isDanger: true,
  applies: ({ type, object }) => type.verbs.has("delete") && object.metadata.deletionTimestamp === undefined,
  deed: (subject) => deedOn(subject, "delete"),
  async run(subject, context) {
    const { type, object } = subject;
    const { name, uid } = object.metadata;
    let propagation: Propagation = "Background";
    let what: TemplateResult | undefined;
    let typed = "";
    const mustType = NAMED.has(type.id);
    const asked = ask(
      {
        title: `Delete ${type.kind} ${name}`,
        isDanger: true,
        confirm: "Delete",
        body: () => html`
          ${what ?? html`<p class="muted" role="status">Looking for what goes with it …</p>`}
          <label class="field">
            <span>How</span>
            <select
              @change=${({ target }: Event) => {
                propagation = (target as HTMLSelectElement).value as Propagation;
              }}
            >
              ${PROPAGATIONS.map(({ id, words }) => html`<option value=${id}>${id}: ${words}</option>`)}
            </select>
          </label>
          ${
            mustType
              ? html`
                  <label class="field">
                    <span>Type <code>${name}</code></span>
                    <input
                      autocomplete="off"
                      spellcheck="false"
                      @input=${({ target }: InputEvent) => {
                        typed = (target as HTMLInputElement).value;
                        asked.redraw();
                      }}
                    />
                  </label>
                `
              : nothing
          }
        `,
        isReady: () => !mustType || typed === name,
        async act() {
          // Not another one that has come under the same name.
          const options = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: propagation, preconditions: { uid } };
          await context.api.send("DELETE", pathOf(subject), options);
        },
      },
      context.signal,
    );
    void whatGoes(subject, context)
      .catch(() => html`<p class="muted">What goes with it could not be found out.</p>`)
      .then((found) => {
        what = found;
        asked.redraw();
      });
    if (!(await asked.done)) return;
    notice(`${type.kind} ${name} is deleted.`);
    context.go(listAddress(type.id));
  },
};

async function whatGoes(subject: Subject, context: Parameters<Action["run"]>[1]): Promise<TemplateResult> {
  const { type, object } = subject;
  if (type.id === "namespaces") {
    const contents = await contentsOf(object.metadata.name, context);
    return html`<p>With it goes all that is in it:</p>${lines(contents.map(({ type, count }) => [type, count, []]))}`;
  }
  const dependents = await dependentsOf(subject, context);
  if (dependents.length === 0) return html`<p>Nothing that Kubernetes' own controllers have made goes with it.</p>`;
  return html`<p>These belong to it:</p>${lines(dependents.map(({ type, names }: Dependents) => [type, names.length, names]))}`;
}

function lines(kinds: readonly (readonly [type: ResourceType, count: number, names: readonly string[]])[]): TemplateResult {
  return html`
    <ul class="what-goes">
      ${kinds.map(
        ([type, number, names]) => html`
          <li>
            <span>${count(number)} ${number === 1 ? type.kind : type.resource}</span>
            <span class="muted clip">${names.slice(0, NAMES_SHOWN).join(", ")}${names.length > NAMES_SHOWN ? " …" : ""}</span>
          </li>
        `,
      )}
    </ul>
  `;
}
