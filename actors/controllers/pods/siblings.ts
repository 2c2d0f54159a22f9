/** More controllers are hardly at work at the same time. */
const REMEMBERED_MAX = 1_024;

/** What pods know of where they come from. */
export interface Origin {
  readonly controllerUid: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Keeps once what pods of the same controller have alike: its uid, and their labels, which are the template's but for a StatefulSet's and an indexed Job's. */
export class Siblings {
  /** The newest of each controller, in the order in which these came. */
  readonly #newest = new Map<string, Origin>();

  /** The same, as a sibling has it already. */
  shared(origin: Origin): Origin {
    const { controllerUid, labels } = origin;
    const known = this.#newest.get(controllerUid);
    if (known !== undefined && sameLabels(known.labels, labels)) return known;
    if (known === undefined && this.#newest.size >= REMEMBERED_MAX) this.#forgetOldest();
    const newest = known === undefined ? origin : { controllerUid: known.controllerUid, labels };
    this.#newest.set(controllerUid, newest);
    return newest;
  }

  #forgetOldest(): void {
    for (const oldest of this.#newest.keys()) if (this.#newest.delete(oldest)) return;
  }
}

function sameLabels(one: Origin["labels"], other: Origin["labels"]): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}
