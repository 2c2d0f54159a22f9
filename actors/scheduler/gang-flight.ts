import { type Diagnosis, UNPLACED } from "../../scheduler-core/mod.ts";
import type { PlacedMember } from "./binder.ts";
import type { Gangs } from "./gangs.ts";
import type { PodRecord } from "./pod-record.ts";

/** A member that gets no node, and why none took it; undefined: one would have. */
export interface RefusedMember {
  readonly record: PodRecord;
  readonly diagnosis: Diagnosis | undefined;
  /** What others say who left it no node; absent: nobody does. */
  readonly words?: string | undefined;
}

/** What has come of the members of a group that were decided together. */
export interface GangFlight {
  /** Enough of its members have nodes now. */
  readonly isWhole: boolean;
  /** What is placed now is bound in one transaction. */
  readonly isTogether: boolean;
  readonly placed: PlacedMember[];
  /** All members, when the group is not whole. */
  readonly refused: RefusedMember[];
}

/** By group, what has come of those of its members that were decided together. */
export function gangsOf(records: readonly PodRecord[], slots: Int32Array, gangs: Gangs): ReadonlyMap<string, GangFlight> {
  const placed = new Map<string, number>();
  records.forEach(({ gang }, i) => {
    if (gang !== undefined) placed.set(gang, (placed.get(gang) ?? 0) + (slots[i] === UNPLACED ? 0 : 1));
  });
  return new Map(
    [...placed].map(([key, count]) => {
      const wanted = gangs.wanted(key);
      return [key, { isWhole: count >= wanted, isTogether: wanted > 0, placed: [], refused: [] }];
    }),
  );
}
