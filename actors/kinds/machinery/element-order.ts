/**
 * The order of a merged list: items that the patch names stand in the patch's order, the others in the order that they had, and the
 * two are interleaved by where they stood before; an item that is new goes before the old ones it cannot be compared with.
 * Source: https://git.k8s.io/design-proposals-archive/cli/preserve-order-in-strategic-merge-patch.md
 */
import { mergeValue } from "./merge-item.ts";

/** `order` are items, or the keys of items, in the order wanted; `live` is the list before. Without a merge key items are scalars. */
export function orderItems(
  merged: readonly unknown[],
  order: readonly unknown[],
  live: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const known = (item: unknown): unknown => (mergeKey === undefined ? item : mergeValue(item, mergeKey));
  const rank = ranks(order.map(known));
  const before = ranks(live.map(known));
  const named = merged.filter((item) => rank.has(known(item))).sort((a, b) => (rank.get(known(a)) ?? 0) - (rank.get(known(b)) ?? 0));
  const others = merged
    .filter((item) => !rank.has(known(item)))
    .sort((a, b) => (before.get(known(a)) ?? Number.MAX_SAFE_INTEGER) - (before.get(known(b)) ?? Number.MAX_SAFE_INTEGER));
  return interleave(named, others, (item) => before.get(known(item)));
}

/** The first place of each value. */
function ranks(values: readonly unknown[]): ReadonlyMap<unknown, number> {
  const found = new Map<unknown, number>();
  for (const [index, value] of values.entries()) if (!found.has(value)) found.set(value, index);
  return found;
}

/** Takes the next item of `others` where it stood before the next of `named`, else the next of `named`. */
function interleave(named: readonly unknown[], others: readonly unknown[], placeOf: (item: unknown) => number | undefined): unknown[] {
  const result: unknown[] = [];
  let n = 0;
  let o = 0;
  while (n < named.length && o < others.length) {
    const left = placeOf(named[n]);
    const right = placeOf(others[o]);
    if (left !== undefined && right !== undefined && right < left) result.push(others[o++]);
    else result.push(named[n++]);
  }
  return [...result, ...named.slice(n), ...others.slice(o)];
}
