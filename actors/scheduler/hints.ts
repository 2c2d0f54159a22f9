import { dependsOnMarks, type Inventory } from "../../scheduler-core/mod.ts";
import type { Intake } from "./intake.ts";
import type { Candidate, PodRecord } from "./pod-record.ts";
import type { SchedulingQueue } from "./queue.ts";

/**
 * What has changed wakes only the pods that it can help: of each kind of unschedulable pod as many as the nodes that changed have room for; all of
 * a kind where a change of other pods, of domains or of namespaces can have let them in. Source: kube-scheduler's queueing hints.
 */
export function wakeHelped(intake: Intake, inventory: Inventory, queue: SchedulingQueue<PodRecord>, now_ms: number): void {
  const { helped, stirred, regrouped, nominations } = intake;
  if (helped.size === 0 && stirred.size === 0 && !regrouped) return;
  for (const { candidate } of nominations.at(helped)) if (candidate !== undefined) queue.wakeOne(candidate.ticket, now_ms);
  for (const gang of helped.size === 0 ? [] : intake.gangs.relieved(inventory)) intake.wakeGang(gang, now_ms);
  for (const { bucket, sample, waiting } of [...queue.buckets()]) {
    const { handle, pin, refusal } = sample.candidate as Candidate;
    // Nodes and pods cannot help it: its volumes, or its gang, are looked at anew when they change.
    if (refusal !== undefined) continue;
    const { relations } = inventory.kinship(sample.peer);
    if (relations !== undefined && (regrouped || dependsOnMarks(relations, stirred))) {
      queue.wake(bucket, waiting, now_ms);
      continue;
    }
    const pinned = pin === undefined ? undefined : intake.slotOfPin(pin);
    let room = 0;
    for (const slot of helped) {
      if (room >= waiting) break;
      if (pinned === undefined || pinned === slot) room += inventory.room(handle, slot, waiting - room);
    }
    if (room > 0) queue.wake(bucket, room, now_ms);
  }
  intake.settle();
}
