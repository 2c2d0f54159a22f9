import type { KernelRules } from "./ruleset.ts";

/** A service's rules as they are in the kernel and as they are to be. */
export interface RulesChange {
  readonly before: KernelRules;
  readonly after: KernelRules;
}

export interface Transaction {
  /** Commands of nft, all or none of which take effect. */
  readonly commands: readonly string[];
  /** Chains that have nothing in them any more, and to which nothing leads. */
  readonly emptied: readonly string[];
}

/**
 * What makes of the rules in a table those that are to be there. What is taken away goes first, so that a place may go from one service to another. Chains that are left over
 * are emptied, not removed: a kernel before 6.2 forgets only a moment later that a map has led to them. Pure.
 */
export function transactionOf(table: string, changes: readonly RulesChange[]): Transaction {
  const away: string[] = [];
  const made: string[] = [];
  const filled: string[] = [];
  const led: string[] = [];
  const over: string[] = [];
  const emptied: string[] = [];
  for (const { before, after } of changes) {
    for (const [place, chain] of before.entrances)
      if (after.entrances.get(place) !== chain) away.push(`delete element ip ${table} entrances { ${place} : goto ${chain} }`);
    for (const [chain, rules] of after.chains) {
      if (before.chains.get(chain)?.join("\n") === rules.join("\n")) continue;
      made.push(`add chain ip ${table} ${chain}`, `flush chain ip ${table} ${chain}`);
      filled.push(...rules.map((rule) => `add rule ip ${table} ${chain} ${rule}`));
    }
    for (const [set, what] of after.sets) if (!before.sets.has(set)) made.push(`add set ip ${table} ${set} ${what}`);
    for (const [place, chain] of after.entrances)
      if (before.entrances.get(place) !== chain) led.push(`add element ip ${table} entrances { ${place} : goto ${chain} }`);
    const gone = [...before.chains.keys()].filter((chain) => !after.chains.has(chain));
    emptied.push(...gone);
    over.push(...gone.map((chain) => `flush chain ip ${table} ${chain}`));
    for (const set of before.sets.keys()) if (!after.sets.has(set)) over.push(`delete set ip ${table} ${set}`);
  }
  return { commands: [...away, ...made, ...filled, ...led, ...over], emptied };
}
