import { Recent } from "./recent.ts";

/** Half as many are made within the seconds in which pods of a template are created, read back, or started. */
const REMEMBERED_MAX = 2_048;

/**
 * Keeps the managers of fields once for all objects in which they are alike: the pods of a template that were created in the same second, and all later versions of
 * one pod, of which nodes report without being recorded. See docs/adr/0010.
 */
export class SharedManagers {
  /** The newest ones, each by itself. */
  readonly #remembered = new Recent<string>(REMEMBERED_MAX);

  /** The string that is held for these. `before`: the managers of the version before. */
  shared(managers: string | undefined, before: string | undefined): string | undefined {
    if (managers === undefined) return undefined;
    if (managers === before) return before;
    const known = this.#remembered.find(managers);
    if (known !== undefined) return known;
    // A slice of a string holds on to the whole of it.
    const own = Buffer.from(managers).toString();
    this.#remembered.remember(own, own);
    return own;
  }
}
