import { isDeepStrictEqual } from "node:util";
import { Recent } from "../../store/recent.ts";

/** More controllers are hardly at work at the same time. */
const REMEMBERED_MAX = 1_024;

/** What pods know of where they come from. */
export interface Origin {
  readonly controllerUid: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Keeps once what pods of the same controller have alike: its uid, and their labels, which are the template's but for a StatefulSet's and an indexed Job's. */
export class Siblings {
  /** The newest of each controller. */
  readonly #newest = new Recent<Origin>(REMEMBERED_MAX);

  /** The same, as a sibling has it already. */
  shared(origin: Origin): Origin {
    const known = this.#newest.find(origin.controllerUid);
    if (known !== undefined && isDeepStrictEqual(known.labels, origin.labels)) return known;
    const newest = { controllerUid: known?.controllerUid ?? origin.controllerUid, labels: origin.labels };
    this.#newest.remember(newest.controllerUid, newest);
    return newest;
  }
}
