import type { Inventory } from "../../scheduler-core/mod.ts";
import { touchesOfBinding } from "../registry/bind.ts";
import type { ClaimGrant } from "../registry/registry.ts";
import type { Premises } from "../store/premises.ts";
import type { PodRecord } from "./pod-record.ts";

const HOSTNAME = "kubernetes.io/hostname";
/** Touched by whoever binds a pod whose terms keep others away from more than its node. */
const TERMS = "terms";

/**
 * What the binding of a pod rests on: nobody else has bound to the node since the decision, nor bound a pod that keeps others away; and for a pod
 * whose place depends on other pods, nobody has bound one of those. So no two schedulers together put on a node what it cannot hold, or
 * side by side what is to be apart, whatever they knew of each other.
 */
export function premisesOf(
  record: PodRecord,
  node: string,
  inventory: Inventory,
  by: string,
  seen: number,
  grants: readonly ClaimGrant[] = [],
): Premises {
  const { namespace, affinity, antiAffinity, spread } = record.peer.facts;
  const checks = [`node/${node}`, TERMS];
  const touches = touchesOfBinding(namespace, node);
  const wide = antiAffinity.filter(({ topologyKey }) => topologyKey !== HOSTNAME);
  if (wide.length > 0) touches.push(TERMS);
  for (const { selector } of [...affinity, ...wide]) {
    if (selector.namespaceLabels !== undefined) checks.push("pods");
    else for (const name of selector.namespaces) checks.push(`namespace/${name}`);
  }
  if (spread.some(({ isHard }) => isHard)) checks.push(`namespace/${namespace}`);
  const repelled = inventory.kinship(record.peer).relations?.repelled ?? [];
  if (repelled.some(({ key }) => inventory.topologyKey(key) !== HOSTNAME)) checks.push("pods");
  // Nobody else has given away devices of these pools.
  for (const { allocation } of grants) {
    for (const { driver, pool } of allocation?.devices?.results ?? []) {
      checks.push(`devices/${driver}/${pool}`);
      touches.push(`devices/${driver}/${pool}`);
    }
  }
  return { by, seen, checks, touches };
}
