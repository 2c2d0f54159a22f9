import { html, type TemplateResult } from "lit-html";
import { hrefOf } from "../address.ts";
import { count } from "../format.ts";
import { listAddress, type ResourceType, resourceTypes } from "../objects/resource-types.ts";
import { empty, loading } from "../states.ts";
import { drawing, type ViewContext } from "../view.ts";

/** All kinds of objects that the API serves, custom ones as well, by their group. */
export async function open(context: ViewContext): Promise<void> {
  const { api, root, query, note, keys, signal } = context;
  let types: readonly ResourceType[] | undefined;
  let words = query.get("q") ?? "";
  const template = (): TemplateResult => {
    const found = (types ?? []).filter((type) => isWanted(type, words.toLowerCase()));
    const groups = Map.groupBy(found, ({ group }) => group);
    return html`
      <header class="page-head">
        <h1>All kinds</h1>
        <span class="muted num">${types === undefined ? "" : count(found.length)}</span>
        <div class="toolbar">
          <input
            class="input filter"
            type="search"
            aria-label="Filter"
            placeholder="Name, short name, group"
            .value=${words}
            @input=${({ target }: InputEvent) => {
              words = (target as HTMLInputElement).value.trim();
              if (words === "") query.delete("q");
              else query.set("q", words);
              note(query);
              draw();
            }}
          />
        </div>
      </header>
      ${types === undefined ? loading("kinds") : found.length === 0 ? empty("No such kind") : html`<div class="kind-groups">${[...groups].map(([group, each]) => groupOf(group, each))}</div>`}
    `;
  };
  const draw = drawing(context, template);
  keys.bind("f", "Filter the kinds", () => root.querySelector<HTMLInputElement>(".filter")?.focus(), signal);
  types = (await resourceTypes(api, true)).filter(({ verbs }) => verbs.has("list"));
  draw();
}

function isWanted({ resource, kind, group, shortNames }: ResourceType, words: string): boolean {
  return [resource, kind.toLowerCase(), group, ...shortNames].some((name) => name.includes(words));
}

function groupOf(group: string, types: readonly ResourceType[]): TemplateResult {
  return html`
    <section>
      <h2>${group === "" ? "core" : group} <span class="muted">${types[0]?.version}</span></h2>
      <ul>
        ${types.map(
          ({ id, kind, shortNames }) =>
            html`<li><a href=${hrefOf(listAddress(id))}>${kind}</a> <span class="muted">${shortNames.join(", ")}</span></li>`,
        )}
      </ul>
    </section>
  `;
}
