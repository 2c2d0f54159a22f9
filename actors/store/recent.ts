/**
 * The values used last, by name: at least `most / 2` of them, at most `most`. The older half is forgotten as a whole when the newer one is
 * full. (A Map that loses its first key again and again has to step over all the holes that those left, which is what a list of uses in one
 * Map would come to.)
 */
export class Recent<T> {
  readonly #most: number;
  #newer = new Map<string, T>();
  #older = new Map<string, T>();

  constructor(most: number) {
    this.#most = most;
  }

  find(name: string): T | undefined {
    const newer = this.#newer.get(name);
    if (newer !== undefined) return newer;
    const older = this.#older.get(name);
    if (older !== undefined) this.remember(name, older);
    return older;
  }

  remember(name: string, value: T): void {
    if (this.#newer.size >= this.#most / 2) this.age();
    this.#newer.set(name, value);
  }

  /** Forgets the older half: what is newer is older now. */
  age(): void {
    this.#older = this.#newer;
    this.#newer = new Map();
  }

  /** Forgets the name, unless it stands for another value by now. */
  forget(name: string, value: T): void {
    for (const half of [this.#newer, this.#older]) if (half.get(name) === value) half.delete(name);
  }
}
