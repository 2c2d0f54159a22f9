import { html, nothing, render, type TemplateResult } from "lit-html";
import type { Api } from "./api.ts";
import type { Keys } from "./keys.ts";
import { listAddress, resourceTypes } from "./objects/resource-types.ts";
import { type Found, ObjectSearch } from "./objects/search.ts";
import { ROUTES } from "./routes.ts";

/** Letters from which on objects are searched for. */
const LETTERS_MIN = 2;
const SHOWN_MAX = 60;
/** Objects of one kind that are shown. */
const OBJECTS_MAX = 40;
const TYPING_MS = 120;

/** A line of the palette: somewhere to go, or something to do. */
interface Line {
  readonly title: string;
  readonly what: string;
  /** The keys that do the same. */
  readonly keys?: string;
  readonly act: () => void;
}

/** Search over everything: views, kinds, objects by name, and what can be done here. */
export class Palette {
  readonly #keys: Keys;
  readonly #go: (to: string) => void;
  readonly #api: Api;
  readonly #search: ObjectSearch;

  constructor(api: Api, keys: Keys, go: (to: string) => void) {
    this.#api = api;
    this.#keys = keys;
    this.#go = go;
    this.#search = new ObjectSearch(api);
  }

  /** Shows it, in front of everything. */
  open(): void {
    const root = document.querySelector(".root");
    if (root === null || document.querySelector("dialog[open]") !== null) return;
    const dialog = document.createElement("dialog");
    dialog.className = "palette";
    dialog.setAttribute("aria-label", "Search");
    root.append(dialog);
    const closing = new AbortController();
    dialog.addEventListener("close", () => {
      closing.abort();
      dialog.remove();
    });
    new Opened(dialog, closing.signal, this.#lines(), this.#search, this.#go, () => this.#kinds()).draw();
    dialog.showModal();
  }

  /** What there is without a question to the server. */
  #lines(): readonly Line[] {
    const views = ROUTES.filter(({ path }) => !path.includes(":")).map(
      ({ path, title, navigation }): Line => ({
        title,
        what: "View",
        act: () => this.#go(path),
        ...(navigation === undefined ? {} : { keys: `g ${navigation.key}` }),
      }),
    );
    const acts = this.#keys.all().filter(({ keys }) => !keys.startsWith("g ") && keys !== "/" && !MOVES.has(keys));
    return [
      ...acts.map(
        ({ keys, does, act }): Line => ({ title: does, what: "Here", keys, act: () => act(new KeyboardEvent("keydown", { key: keys })) }),
      ),
      ...views,
    ];
  }

  async #kinds(): Promise<readonly Line[]> {
    const types = (await resourceTypes(this.#api)).filter(({ verbs }) => verbs.has("list"));
    return types.map(({ id, kind, shortNames }) => ({
      title: kind,
      what: ["Kind", id, ...shortNames].join(" "),
      act: () => this.#go(listAddress(id)),
    }));
  }
}

/** Keys that are pressed many times, and are no deeds. */
const MOVES: ReadonlySet<string> = new Set(["j", "k", "ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End", "[", "]"]);

/** The palette while it is open. */
class Opened {
  readonly #dialog: HTMLDialogElement;
  readonly #signal: AbortSignal;
  readonly #fixed: readonly Line[];
  readonly #search: ObjectSearch;
  readonly #go: (to: string) => void;
  #kinds: readonly Line[] = [];
  #objects: readonly Line[] = [];
  #words = "";
  #at = 0;
  #isSearching = false;
  #searching = new AbortController();
  #typing: ReturnType<typeof setTimeout> | undefined;

  constructor(
    dialog: HTMLDialogElement,
    signal: AbortSignal,
    fixed: readonly Line[],
    search: ObjectSearch,
    go: (to: string) => void,
    kinds: () => Promise<readonly Line[]>,
  ) {
    this.#dialog = dialog;
    this.#signal = signal;
    this.#fixed = fixed;
    this.#search = search;
    this.#go = go;
    signal.addEventListener("abort", () => {
      this.#searching.abort();
      clearTimeout(this.#typing);
    });
    void kinds().then(
      (lines) => {
        this.#kinds = lines;
        this.draw();
      },
      () => undefined,
    );
  }

  draw(): void {
    if (!this.#signal.aborted) render(this.#template(), this.#dialog);
  }

  get #shown(): readonly Line[] {
    const words = this.#words.toLowerCase();
    const matching = [...this.#fixed, ...(words === "" ? [] : this.#kinds)].filter((line) => isMatch(line, words));
    return [...matching.sort((a, b) => rank(a, words) - rank(b, words)), ...this.#objects].slice(0, SHOWN_MAX);
  }

  #template(): TemplateResult {
    const shown = this.#shown;
    const at = Math.min(this.#at, shown.length - 1);
    return html`
      <input
        class="palette-field"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-lines"
        aria-activedescendant=${at < 0 ? nothing : `palette-${at}`}
        aria-label="Search views, kinds, objects and actions"
        placeholder="Search views, kinds, objects, actions"
        autocomplete="off"
        spellcheck="false"
        @input=${(event: InputEvent) => this.#typed((event.target as HTMLInputElement).value)}
        @keydown=${(event: KeyboardEvent) => this.#pressed(event)}
      />
      <ul id="palette-lines" role="listbox" aria-label="Found">
        ${shown.map(
          (line, index) => html`
            <li id=${`palette-${index}`} role="option" aria-selected=${index === at ? "true" : "false"} @click=${() => this.#take(line)}>
              <span class="clip">${line.title}</span><span class="muted clip">${line.what}</span>${line.keys === undefined ? nothing : html`<span class="palette-keys">${line.keys.split(" ").map((key) => html`<kbd>${key}</kbd>`)}</span>`}
            </li>
          `,
        )}
      </ul>
      <p class="muted palette-foot" role="status">${this.#isSearching ? "Searching …" : shown.length === 0 ? "Nothing found." : nothing}</p>
    `;
  }

  #typed(words: string): void {
    this.#words = words.trim();
    this.#at = 0;
    this.#objects = [];
    this.#searching.abort();
    this.#searching = new AbortController();
    clearTimeout(this.#typing);
    this.#isSearching = this.#words.length >= LETTERS_MIN;
    if (this.#isSearching) this.#typing = setTimeout(() => void this.#find(this.#words.toLowerCase(), this.#searching.signal), TYPING_MS);
    this.draw();
  }

  async #find(words: string, signal: AbortSignal): Promise<void> {
    const found: Line[] = [];
    const perKind = new Map<string, number>();
    try {
      for await (const each of this.#search.find(words, signal)) {
        if (signal.aborted) return;
        const kind = each.what.split(" ")[0] ?? "";
        const before = perKind.get(kind) ?? 0;
        perKind.set(kind, before + 1);
        if (before >= OBJECTS_MAX) continue;
        found.push(this.#lineOf(each));
        this.#objects = [...found];
        this.draw();
      }
    } catch {
      // What has been found stays; the connection's loss is told by the frame.
    }
    if (signal.aborted) return;
    this.#isSearching = false;
    this.draw();
  }

  #lineOf({ title, what, address }: Found): Line {
    return { title, what, act: () => this.#go(address) };
  }

  #pressed(event: KeyboardEvent): void {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const shown = this.#shown;
    if (step !== 0 && shown.length > 0) {
      event.preventDefault();
      this.#at = (Math.min(this.#at, shown.length - 1) + step + shown.length) % shown.length;
      this.draw();
      this.#dialog.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      const line = shown[Math.min(this.#at, shown.length - 1)];
      if (line !== undefined) this.#take(line);
    }
  }

  #take({ act }: Line): void {
    this.#dialog.close();
    act();
  }
}

function isMatch({ title, what }: Line, words: string): boolean {
  return (
    words === "" ||
    title.toLowerCase().includes(words) ||
    what
      .toLowerCase()
      .split(" ")
      .some((each) => each.startsWith(words))
  );
}

/** What begins so goes before what has it somewhere. */
function rank({ title, what }: Line, words: string): number {
  if (title.toLowerCase().startsWith(words)) return 0;
  return what.toLowerCase().split(" ").includes(words) ? 1 : 2;
}
