import { html, type TemplateResult } from "lit-html";
import { EventFeed } from "../objects/event-feed.ts";
import { keepNamespace, namespaceNames, namespaceOf, namespacePicker } from "../objects/namespace-picker.ts";
import { drawing, type ViewContext } from "../view.ts";

/** What the cluster tells of its objects, as it happens. */
export async function open(context: ViewContext): Promise<void> {
  const { root, signal, query, keys, note } = context;
  root.classList.add("fill");
  let namespace = namespaceOf(context);
  let names: readonly string[] | undefined = [];
  let words = query.get("q") ?? "";
  let isWarningsOnly = query.get("type") === "Warning";
  let told = "";
  let feed: EventFeed | undefined;
  let feeding = new AbortController();
  const place = document.createElement("div");
  place.className = "list scroll";

  const begin = (): void => {
    feeding.abort();
    feeding = new AbortController();
    const frame = document.createElement("div");
    place.replaceChildren(frame);
    feed = new EventFeed({
      context,
      root: frame,
      signal: AbortSignal.any([signal, feeding.signal]),
      namespace,
      hasObjects: true,
      told: (now) => {
        if (now === told) return;
        told = now;
        draw();
      },
    });
    feed.filter(words, isWarningsOnly);
  };
  const set = (name: string, value: string): void => {
    if (value === "") query.delete(name);
    else query.set(name, value);
    note(query);
  };
  const choose = (chosen: string): void => {
    namespace = chosen;
    keepNamespace(chosen);
    set("namespace", chosen);
    begin();
  };
  const filter = (): void => {
    set("q", words);
    set("type", isWarningsOnly ? "Warning" : "");
    feed?.filter(words, isWarningsOnly);
    draw();
  };
  const only = (warnings: boolean) => (): void => {
    isWarningsOnly = warnings;
    filter();
  };
  const template = (): TemplateResult => html`
    <header class="page-head">
      <h1>Events</h1>
      <span class="muted num">${told}</span>
      <div class="toolbar">
        <div class="segments" role="group" aria-label="Type">
          <button type="button" aria-pressed=${!isWarningsOnly} @click=${only(false)}>All</button>
          <button type="button" aria-pressed=${isWarningsOnly} @click=${only(true)}>Warnings</button>
        </div>
        ${namespacePicker(names, namespace, choose)}
        <input
          class="input filter"
          type="search"
          aria-label="Filter"
          placeholder="Reason, object, words"
          .value=${words}
          @input=${({ target }: InputEvent) => {
            words = (target as HTMLInputElement).value.trim();
            filter();
          }}
        />
      </div>
    </header>
    ${place}
  `;
  const draw = drawing(context, template);
  keys.bind("f", "Filter the events", () => root.querySelector<HTMLInputElement>(".filter")?.focus(), signal);
  begin();
  names = await namespaceNames(context);
  draw();
}
