import { html, nothing, type TemplateResult } from "lit-html";
import { hrefOf } from "../address.ts";
import { keepNamespace, namespaceNames, namespaceOf, namespacePicker } from "../objects/namespace-picker.ts";
import { ResourceRows } from "../objects/resource-rows.ts";
import { listAddress, type ResourceType, resourceType } from "../objects/resource-types.ts";
import { sectionOf, titleOf } from "../objects/sections.ts";
import { empty, loading } from "../states.ts";
import { drawing, type OpenView, type ViewContext } from "../view.ts";

const SELECTOR = /^[^\s=!]+(=|!=)\S*$/;

/** The list of a kind that the address does not name. */
export function listOf(id: string): OpenView {
  return (context) => openList(context, id);
}

export const open: OpenView = (context) => openList(context, context.params.type ?? "");

/** Objects of one kind: by namespace, by label, by words. */
async function openList(context: ViewContext, id: string): Promise<void> {
  const { api, root, signal, keys, query, note } = context;
  root.classList.add("fill");
  let type: ResourceType | undefined;
  let namespace = namespaceOf(context);
  let names: readonly string[] | undefined = [];
  let words = query.get("q") ?? "";
  let told = "";
  let rows: ResourceRows | undefined;
  let isMissing = false;
  const frame = document.createElement("div");
  frame.className = "list";
  let listing = new AbortController();

  const list = (): void => {
    listing.abort();
    listing = new AbortController();
    if (type === undefined) return;
    const place = document.createElement("div");
    frame.replaceChildren(place);
    const isSelector = SELECTOR.test(words);
    rows = new ResourceRows({
      context,
      root: place,
      signal: AbortSignal.any([signal, listing.signal]),
      type,
      namespace: type.isNamespaced ? namespace : "",
      ...(isSelector ? { query: { labelSelector: words } } : {}),
      told: (now) => {
        told = now;
        draw();
      },
    });
    if (!isSelector) rows.filter(words);
  };
  const noted = (): void => {
    if (namespace !== "") query.set("namespace", namespace);
    else query.delete("namespace");
    if (words !== "") query.set("q", words);
    else query.delete("q");
    note(query);
  };
  const choose = (chosen: string): void => {
    namespace = chosen;
    keepNamespace(chosen);
    noted();
    list();
  };
  const search = (event: Event): void => {
    const before = words;
    words = (event.target as HTMLInputElement).value.trim();
    noted();
    if (SELECTOR.test(words) || SELECTOR.test(before)) list();
    else rows?.filter(words);
  };
  const template = (): TemplateResult => html`
    <header class="page-head">
      <h1>${titleOf(id) ?? type?.kind ?? id}</h1>
      <span class="muted num" role="status">${told}</span>
      <div class="toolbar">
        ${type?.isNamespaced ? namespacePicker(names, namespace, choose) : nothing}
        <input class="input filter" type="search" aria-label="Filter" placeholder="Filter, or label=value" .value=${words} @input=${search} />
        <a class="button" href=${hrefOf("/create")}>Create</a>
      </div>
    </header>
    ${kindTabs(id)}
    ${isMissing ? empty("There is no such kind", `The API serves no ${id}.`) : type === undefined ? loading(id) : frame}
  `;
  const draw = drawing(context, template);
  keys.bind("f", "Filter the list", () => root.querySelector<HTMLInputElement>(".filter")?.focus(), signal);

  type = await resourceType(api, id);
  isMissing = type === undefined;
  draw();
  if (type === undefined) return;
  names = type.isNamespaced ? await namespaceNames(context) : [];
  draw();
  list();
}

/** The kinds of the same section. */
function kindTabs(id: string): TemplateResult | typeof nothing {
  const section = sectionOf(id);
  if (section === undefined || section.kinds.length < 2) return nothing;
  return html`
    <nav class="tabs" aria-label="Kinds">
      ${section.kinds.map((kind) => html`<a href=${hrefOf(listAddress(kind.id))} aria-current=${kind.id === id ? "page" : nothing}>${kind.title}</a>`)}
    </nav>
  `;
}
