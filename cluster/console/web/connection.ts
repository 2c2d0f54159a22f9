const FIRST_PROBE_MS = 500;
const PROBE_MS_MAX = 5_000;
const PROBE_TIMEOUT_MS = 4_000;

/** Whether the server can be reached. One for the whole console: whoever finds it gone says so, and all wait for the same probe. */
export class Connection extends EventTarget {
  #lost = false;
  #back: Promise<void> = Promise.resolve();

  get isLost(): boolean {
    return this.#lost;
  }

  /** Resolves when the server can be reached, as far as is known. */
  back(): Promise<void> {
    return this.#back;
  }

  /** A request did not arrive. */
  lost(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#back = this.#probe();
    this.dispatchEvent(new Event("change"));
  }

  async #probe(): Promise<void> {
    for (let wait_ms = FIRST_PROBE_MS; ; wait_ms = Math.min(wait_ms * 2, PROBE_MS_MAX)) {
      await new Promise((resolve) => setTimeout(resolve, wait_ms));
      try {
        // Any answer will do.
        await fetch("/livez", { cache: "no-store", signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
        break;
      } catch {
        // Still away.
      }
    }
    this.#lost = false;
    this.dispatchEvent(new Event("change"));
  }
}
