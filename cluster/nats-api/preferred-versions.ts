import type { KindTable } from "../../actors/kinds/kinds.ts";
import type { Aggregation } from "../aggregation/aggregation.ts";
import { discover } from "../gateway/discovery.ts";

/** Which version of a resource is preferred, as discovery has it; looked up once, until the kinds change. */
export class PreferredVersions {
  readonly #kinds: KindTable;
  readonly #aggregation: Pick<Aggregation, "resources"> | undefined;
  readonly #found = new Map<string, string>();
  readonly #hearing: { cancel(): void };

  constructor(kinds: KindTable, aggregation: Pick<Aggregation, "resources"> | undefined) {
    this.#kinds = kinds;
    this.#aggregation = aggregation;
    this.#hearing = kinds.hearOfCustom(() => this.#found.clear());
  }

  /** Undefined: there is no such resource. */
  of(group: string, resource: string): string | undefined {
    const key = `${group}/${resource}`;
    const known = this.#found.get(key);
    // A version may have been taken away.
    if (known !== undefined && this.#kinds.byPlural(group, known, resource) !== undefined) return known;
    const versions = discover(this.#kinds.all(), this.#aggregation?.resources).find((one) => one.group === group)?.versions;
    const version = versions?.find(({ resources }) => resources.some(({ plural }) => plural === resource))?.version;
    if (version !== undefined) this.#found.set(key, version);
    return version;
  }

  close(): void {
    this.#hearing.cancel();
  }
}
