/**
 * The transactions applied last, by request id: what makes a retry after a lost answer safe. Two generations: when the younger is full it
 * becomes the older, so at least `size` and at most twice as many are remembered, without any order to keep up.
 */
export class RequestWindow {
  readonly #size: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  constructor(size: number) {
    this.#size = size;
  }

  add(request: string, revision: number): void {
    if (this.#young.size >= this.#size) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(request, revision);
  }

  /** The first revision of the transaction that was applied under this id. */
  find(request: string): number | undefined {
    return this.#young.get(request) ?? this.#old.get(request);
  }
}
