/** The start was asked to stop before it was through. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** What a start has opened so far, to be closed in the reverse order, also when the start is still under way. */
export class Closers {
  readonly #open: (() => Promise<void> | void)[] = [];
  #closing: Promise<void> | undefined;
  readonly #begun = Promise.withResolvers<void>();

  /** Resolves when closing begins. */
  get closing(): Promise<void> {
    return this.#begun.promise;
  }

  add(close: () => Promise<void> | void): void {
    this.#open.push(close);
  }

  /** Throws Stopped once closing has begun: the start is not to go on. */
  goOn(): void {
    if (this.#closing !== undefined) throw new Stopped();
  }

  /** Closes all that is open. May be called again: then it waits for the first call, and closes what was added since. */
  close(): Promise<void> {
    this.#begun.resolve();
    this.#closing = (this.#closing ?? Promise.resolve()).then(async () => {
      for (let close = this.#open.pop(); close !== undefined; close = this.#open.pop()) await close();
    });
    return this.#closing;
  }
}
