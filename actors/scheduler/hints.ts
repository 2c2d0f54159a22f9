import { type Inventory, isStirred, isSuitable, needsRoom } from "../../scheduler-core/mod.ts";
import { DYNAMIC_RESOURCES } from "./devices/pod-claims.ts";
import type { Intake } from "./intake.ts";
import type { Candidate, PodRecord } from "./pod-record.ts";
import type { SchedulingQueue, Waiting } from "./queue.ts";

/**
 * What has happened wakes only the pods that it can help: of each kind of unschedulable pod as many as the nodes that changed have room for; all of
 * a kind where other pods, or the domains that nodes are in, may no longer keep them out. Which plugins have rejected a pod decides what can help it. Source:
 * kube-scheduler's queueing hints.
 */
export function wakeHelped(intake: Intake, inventory: Inventory, queue: SchedulingQueue<PodRecord>, now_ms: number): void {
  const { happened, nominations } = intake;
  if (happened.isNothing) return;
  const slots = new Set([...happened.freed, ...happened.altered.keys()]);
  for (const { candidate } of nominations.at(slots)) if (candidate !== undefined) queue.wakeOne(candidate.ticket, now_ms);
  for (const gang of slots.size === 0 ? [] : intake.gangs.relieved(inventory)) intake.wakeGang(gang, now_ms);
  const { raised, lowered, moves, isRenamed, altered, freed } = happened;
  const stir = { raised, lowered, moves, isRenamed, keyOf: (column: number) => inventory.topologyKey(column) };
  const helped = ({ sample, rejectors, count }: Waiting<PodRecord>): number => {
    const { handle, pin, refusal } = sample.candidate as Candidate;
    // Nodes and pods cannot help it: its volumes, or its gang, are looked at anew when they change.
    if (refusal !== undefined) return 0;
    // Labels of nodes decide which devices they reach.
    if (rejectors.has(DYNAMIC_RESOURCES) && altered.size > 0) return count;
    const { relations } = inventory.kinship(sample.peer);
    if (relations !== undefined && isStirred(stir, relations, handle.statics.facts, rejectors)) return count;
    const changed = new Set(needsRoom(rejectors) ? freed : []);
    for (const [slot, before] of altered) if (before === undefined || !isSuitable(handle, before)) changed.add(slot);
    const only = pin === undefined ? undefined : intake.slotOfPin(pin);
    return inventory.worthATry(handle, sample.peer, only === undefined ? changed : changed.has(only) ? [only] : [], rejectors, count);
  };
  for (const waiting of [...queue.waiting()]) queue.wake(waiting.key, helped(waiting), now_ms);
  intake.settle();
}
