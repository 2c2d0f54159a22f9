import { html, type TemplateResult } from "lit-html";
import type { KubeList, KubeObject } from "../api.ts";
import type { ViewContext } from "../view.ts";

/** Where the tab keeps which namespace is looked at, so that it stays the same from view to view. */
const KEPT = "troupe.namespace";
const NAMESPACES_MAX = 1_000;

/** The namespace of the address, else the last one that was looked at; empty: all. */
export function namespaceOf({ query }: ViewContext): string {
  return query.get("namespace") ?? sessionStorage.getItem(KEPT) ?? "";
}

export function keepNamespace(namespace: string): void {
  sessionStorage.setItem(KEPT, namespace);
}

/** The names of all namespaces; undefined where the user may not list them, and has to know. */
export async function namespaceNames({ api, signal }: Pick<ViewContext, "api" | "signal">): Promise<readonly string[] | undefined> {
  if (!(await api.may({ verb: "list", resource: "namespaces" }))) return undefined;
  const { items } = await api.get<KubeList<KubeObject>>(`/api/v1/namespaces?limit=${NAMESPACES_MAX}`, { signal });
  return items.map(({ metadata }) => metadata.name);
}

export function namespacePicker(names: readonly string[] | undefined, chosen: string, choose: (namespace: string) => void): TemplateResult {
  const changed = (event: Event): void => choose((event.target as HTMLInputElement | HTMLSelectElement).value.trim());
  if (names === undefined)
    return html`<input class="input narrow" aria-label="Namespace" placeholder="Namespace" .value=${chosen} @change=${changed} />`;
  const all = chosen === "" || names.includes(chosen) ? names : [chosen, ...names];
  return html`
    <select class="input narrow" aria-label="Namespace" @change=${changed}>
      <option value="" ?selected=${chosen === ""}>All namespaces</option>
      ${all.map((name) => html`<option value=${name} ?selected=${name === chosen}>${name}</option>`)}
    </select>
  `;
}
