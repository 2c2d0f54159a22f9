import { html, render } from "lit-html";
import { count } from "../format.ts";
import { empty, loading, problem } from "../states.ts";
import type { ViewContext } from "../view.ts";
import { collectionPath, objectAddress, type ResourceType } from "./resource-types.ts";
import { Rows } from "./rows.ts";
import { type Row, TableList } from "./table-list.ts";

/** Rows that a search goes through before it asks whether to go on. */
const SEARCHED_ROWS = 20_000;
/** Rows that match after which a search waits for somebody to scroll on. */
const FOUND_ROWS = 200;

export interface ResourceRowsOptions {
  readonly context: ViewContext;
  readonly root: HTMLElement;
  readonly signal: AbortSignal;
  readonly type: ResourceType;
  /** Empty: all namespaces. */
  readonly namespace: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly wanted?: (row: Row) => boolean;
  /** Called after changes with what is shown, as words. */
  readonly told?: (words: string) => void;
}

/** Objects of a kind as rows, current, and as many as somebody scrolls to. */
export class ResourceRows {
  readonly #options: ResourceRowsOptions;
  readonly #list: TableList;
  readonly #rows: Rows;
  readonly #state: HTMLElement;
  #filter = "";
  #searched = SEARCHED_ROWS;

  constructor(options: ResourceRowsOptions) {
    this.#options = options;
    const { context, root, signal, type, namespace, query, wanted } = options;
    const body = document.createElement("div");
    this.#state = document.createElement("div");
    root.replaceChildren(body, this.#state);
    root.classList.add("rows-frame");
    this.#rows = new Rows({
      root: body,
      signal,
      keys: context.keys,
      label: type.kind,
      hasNamespaces: type.isNamespaced && namespace === "",
      addressOf: (row) => objectAddress(type.id, row.namespace, row.name),
      go: context.go,
      more: () => void this.#list.more(),
    });
    this.#list = new TableList({
      api: context.api,
      connection: context.connection,
      path: collectionPath(type, namespace),
      isWatched: type.verbs.has("watch"),
      signal,
      changed: () => this.#show(),
      failed: (error) => this.#say(problem(error)),
      ...(query === undefined ? {} : { query }),
      ...(wanted === undefined ? {} : { wanted }),
    });
    this.#say(loading(`${type.resource}`));
    void this.#list.run();
  }

  /** Shows the rows that have these words in their name or in a cell; the pages behind are searched for more of them. */
  filter(words: string): void {
    this.#filter = words.toLowerCase();
    this.#searched = SEARCHED_ROWS;
    if (this.#list.isLoaded) this.#show();
  }

  #show(): void {
    const { type, told } = this.#options;
    const { rows, columns, remaining } = this.#list;
    const found = this.#filter === "" ? rows : rows.filter((row) => matches(row, this.#filter));
    this.#rows.show(found, columns, this.#filter === "" ? remaining : 0);
    const total = rows.length + remaining;
    if (found.length === 0 && remaining === 0) this.#say(this.#nothing(rows.length > 0));
    else if (this.#filter !== "" && remaining > 0 && found.length < FOUND_ROWS) this.#searchOn(rows.length, total);
    else this.#say(undefined);
    told?.(
      found.length === total || (this.#filter === "" && remaining > 0)
        ? `${count(total)} ${total === 1 ? type.kind : type.resource}`
        : `${count(found.length)} of ${count(total)}`,
    );
  }

  #searchOn(searched: number, total: number): void {
    if (searched < this.#searched) {
      this.#say(html`<p class="muted foot" role="status">Searched ${count(searched)} of ${count(total)} …</p>`);
      void this.#list.more();
      return;
    }
    const goOn = (): void => {
      this.#searched = searched + SEARCHED_ROWS;
      this.#searchOn(searched, total);
    };
    this.#say(html`
      <p class="muted foot" role="status">
        Searched ${count(searched)} of ${count(total)}.
        <button type="button" class="button" @click=${goOn}>Search on</button>
      </p>
    `);
  }

  #nothing(isFiltered: boolean): unknown {
    const { type, namespace } = this.#options;
    if (isFiltered) return empty(`Nothing here matches “${this.#filter}”`);
    return empty(namespace === "" ? `No ${type.resource}` : `No ${type.resource} in ${namespace}`);
  }

  #say(template: unknown): void {
    if (!this.#options.signal.aborted) render(template, this.#state);
  }
}

function matches(row: Row, words: string): boolean {
  if (row.name.includes(words) || row.namespace.includes(words)) return true;
  return row.cells.some((value) => typeof value === "string" && value.toLowerCase().includes(words));
}
