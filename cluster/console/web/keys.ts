/** What a key does, as the help shows it. */
export interface KeyHelp {
  /** As it is pressed: `/`, `Escape`, `g m` (one after the other). */
  readonly keys: string;
  readonly does: string;
}

/** A key and what it calls. */
export interface Bound extends KeyHelp {
  readonly act: (event: KeyboardEvent) => void;
}

/** How long after the first of two keys the second counts. */
const PAIR_MS = 1_500;

/** Keys of the whole console and of the view that is open. None counts while somebody types into a field, but for Escape. */
export class Keys {
  readonly #bound = new Map<string, Bound>();
  #first = "";
  #first_ms = 0;

  /** `signal` ends it. */
  bind(keys: string, does: string, act: (event: KeyboardEvent) => void, signal?: AbortSignal): void {
    const bound: Bound = { keys, does, act };
    this.#bound.set(keys, bound);
    signal?.addEventListener("abort", () => {
      if (this.#bound.get(keys) === bound) this.#bound.delete(keys);
    });
  }

  /** All that counts now, in the order in which it was bound. */
  help(): readonly KeyHelp[] {
    return [...this.#bound.values()];
  }

  /** The same, to be called from elsewhere. */
  all(): readonly Bound[] {
    return [...this.#bound.values()];
  }

  listen(target: EventTarget): void {
    target.addEventListener("keydown", (event) => this.#pressed(event as KeyboardEvent));
  }

  #pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key !== "Escape" && isTyping(event.target)) return;
    // Keys are for what is behind a dialog; in front of it they are the dialog's own.
    if (document.querySelector("dialog[open]") !== null) return;
    const pair = event.timeStamp - this.#first_ms < PAIR_MS ? `${this.#first} ${event.key}` : "";
    const bound = this.#bound.get(pair) ?? this.#bound.get(event.key);
    this.#first = event.key;
    this.#first_ms = event.timeStamp;
    if (bound === undefined) return;
    event.preventDefault();
    bound.act(event);
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
