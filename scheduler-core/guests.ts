import type { PodClass } from "./pod-class.ts";

/** A pod that is awaited on a node, where room is being made for it, and the marks that it will raise there. Plain data that crosses threads. */
export interface Guest {
  readonly slot: number;
  readonly marks: Int32Array;
}

/**
 * Those of the awaited that pods of a class must get on with: on the node of each, the class has to be let in both with it and without it, since it may
 * never come. The room that it takes is counted on its node already. Source: RunFilterPluginsWithNominatedPods.
 */
export function guestsFor({ relations }: PodClass, guests: readonly Guest[]): readonly Guest[] {
  if (relations === undefined || guests.length === 0) return [];
  const { affinity, antiAffinity, repelled, hardSpread, exclusive } = relations;
  const asked = new Set([
    ...[affinity, antiAffinity, repelled, hardSpread].flatMap((terms) => terms.map(({ mark }) => mark)),
    ...exclusive,
  ]);
  return asked.size === 0 ? [] : guests.filter(({ marks }) => marks.some((mark) => asked.has(mark)));
}
