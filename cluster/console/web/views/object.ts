import { html, nothing, render, type TemplateResult } from "lit-html";
import { hrefOf } from "../address.ts";
import { follow } from "../follow.ts";
import { age } from "../format.ts";
import { ActionBar } from "../objects/actions/actions.ts";
import { PARTS, type Part } from "../objects/parts.ts";
import { collectionPath, listAddress, type ResourceType, resourceType } from "../objects/resource-types.ts";
import type { AnyObject, Panel } from "../objects/subject.ts";
import { summaryOf } from "../objects/summary.ts";
import { empty, loading, problem } from "../states.ts";
import { drawing, type OpenView, type ViewContext } from "../view.ts";

/** The view of an object of a kind that the address does not name. */
export function objectOf(id: string): OpenView {
  return (context) => openObject(context, id);
}

export const open: OpenView = (context) => openObject(context, context.params.type ?? "");

/** One object, as it is now: what it is, what can be done to it, and its parts. */
async function openObject(context: ViewContext, id: string): Promise<void> {
  const { api, root, signal, params, query, note } = context;
  const { namespace, name = "" } = params;
  root.classList.add("fill");
  let type: ResourceType | undefined;
  let object: AnyObject | undefined;
  let isGone = false;
  let failure: unknown;
  let part: Part | undefined;
  let closing = new AbortController();
  const listeners = new Set<() => void>();
  const place = document.createElement("div");
  place.className = "part";

  const show = async (chosen: Part): Promise<void> => {
    if (type === undefined || object === undefined) return;
    part = chosen;
    closing.abort();
    closing = new AbortController();
    listeners.clear();
    const panelRoot = document.createElement("div");
    panelRoot.className = "part-body";
    panelRoot.tabIndex = -1;
    place.replaceChildren(panelRoot);
    const panelSignal = AbortSignal.any([signal, closing.signal]);
    const panel: Panel = {
      context: { ...context, root: panelRoot, signal: panelSignal },
      root: panelRoot,
      signal: panelSignal,
      type,
      object: () => object as AnyObject,
      changed: (act) => listeners.add(act),
    };
    draw();
    try {
      const { open } = await chosen.load();
      if (!panelSignal.aborted) await open(panel);
    } catch (error) {
      if (!panelSignal.aborted) render(problem(error), panelRoot);
    }
  };
  const choose = (chosen: Part): void => {
    query.set("part", chosen.id);
    note(query);
    void show(chosen);
  };
  const template = (): TemplateResult => html`
    <nav class="crumbs" aria-label="Above">
      <a href=${hrefOf(listAddress(id))}>${type?.kind ?? id}</a>
      ${namespace === undefined ? nothing : html`<span>/</span><a href=${hrefOf(`${listAddress(id)}?namespace=${encodeURIComponent(namespace)}`)}>${namespace}</a>`}
    </nav>
    ${
      failure !== undefined
        ? problem(failure)
        : isGone && object === undefined
          ? empty("There is no such object", `${type?.kind ?? id} ${name}`)
          : type === undefined || object === undefined
            ? html`<h1>${name}</h1>${loading(name)}`
            : known(type, object)
    }
  `;
  const known = (type: ResourceType, object: AnyObject): TemplateResult => html`
    <header class="page-head">
      <h1 class="clip">${name}</h1>
      ${isGone ? html`<span class="badge bad">Deleted</span>` : summaryOf({ type, object })}
      <span class="muted num" title=${object.metadata.creationTimestamp}>${age(object.metadata.creationTimestamp, Date.now())}</span>
      <div class="toolbar actions">${isGone ? nothing : bar.template({ type, object })}</div>
    </header>
    <div class="tabs" role="tablist" @keydown=${arrows}>
      ${PARTS.filter((each) => each.applies({ type, object }) || each === part).map(
        (each) => html`
          <button
            type="button"
            role="tab"
            id=${`tab-${each.id}`}
            aria-selected=${each === part ? "true" : "false"}
            tabindex=${each === part ? "0" : "-1"}
            @click=${() => choose(each)}
          >
            ${each.title}
          </button>
        `,
      )}
    </div>
    ${place}
  `;
  const draw = drawing(context, template);
  const bar = new ActionBar(context, draw);
  bindParts(
    context,
    () =>
      type === undefined || object === undefined
        ? []
        : PARTS.filter((each) => each.applies({ type: type as ResourceType, object: object as AnyObject })),
    () => part,
    choose,
  );

  type = await resourceType(api, id);
  if (type === undefined) {
    failure = new Error(`The API serves no ${id}.`);
    draw();
    return;
  }
  const changed = (found: AnyObject | undefined): void => {
    isGone = found === undefined;
    // Items of lists do not say what they are.
    const { group, version, kind } = type as ResourceType;
    object = found === undefined ? object : { apiVersion: group === "" ? version : `${group}/${version}`, kind, ...found };
    draw();
    if (object === undefined || type === undefined) return;
    if (part !== undefined) {
      for (const act of listeners) act();
      return;
    }
    const subject = { type, object };
    const parts = PARTS.filter((each) => each.applies(subject));
    const first = parts.find((each) => each.id === query.get("part")) ?? parts[0];
    if (first !== undefined) void show(first);
  };
  const options = {
    ...context,
    failed: (error: unknown): void => {
      failure = error;
      draw();
    },
  };
  if (type.verbs.has("watch")) {
    void follow<AnyObject>({
      ...options,
      path: collectionPath(type, namespace),
      query: { fieldSelector: `metadata.name=${name}` },
      changed: ({ objects }) => changed([...objects.values()][0]),
    });
  } else changed(await api.get<AnyObject>(`${collectionPath(type, namespace)}/${encodeURIComponent(name)}`, { signal }));
}

/** `[` and `]` go from part to part. */
function bindParts(
  { keys, signal }: ViewContext,
  parts: () => readonly Part[],
  current: () => Part | undefined,
  choose: (part: Part) => void,
): void {
  const by = (step: number) => (): void => {
    const all = parts();
    const part = current();
    const at = part === undefined ? -1 : all.indexOf(part);
    const next = all[(at + step + all.length) % all.length];
    if (next !== undefined) choose(next);
  };
  keys.bind("]", "Next part", by(1), signal);
  keys.bind("[", "Part before", by(-1), signal);
}

/** Tabs are gone through by the arrows. */
function arrows(event: KeyboardEvent): void {
  const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  if (step === 0) return;
  const tabs = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[role="tab"]')];
  const next = tabs[(tabs.indexOf(document.activeElement as HTMLElement) + step + tabs.length) % tabs.length];
  next?.focus();
  next?.click();
}
