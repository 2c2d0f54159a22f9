import { type Inventory, type Placements, UNPLACED } from "../../scheduler-core/mod.ts";
import type { Binder } from "./binder.ts";
import type { Flight } from "./flight.ts";
import { gangsOf } from "./gang-flight.ts";
import type { Intake } from "./intake.ts";
import type { Candidate, PodRecord } from "./pod-record.ts";
import type { Preemptor } from "./preemptor.ts";
import type { SchedulingQueue } from "./queue.ts";
import type { Rejections } from "./rejections.ts";

export interface LandingOptions {
  readonly inventory: Inventory;
  readonly intake: Intake;
  readonly queue: SchedulingQueue<PodRecord>;
  readonly binder: Binder;
  readonly preemptor: Preemptor;
  readonly rejections: Rejections;
}

/** Makes the pool's answer to a batch come true: pods with nodes are bound, groups together or not at all, and the others are rejected. */
export function land(
  { records, released, seen }: Flight,
  { slots, diagnosisOf, diagnoses }: Placements,
  options: LandingOptions,
  now_ms: number,
): void {
  const { inventory, intake, queue, binder, preemptor, rejections } = options;
  const gangs = gangsOf(records, slots, intake.gangs);
  const rejected: number[] = [];
  let isUndone = false;
  records.forEach((record, i) => {
    const slot = slots[i] ?? UNPLACED;
    const gang = record.gang === undefined ? undefined : gangs.get(record.gang);
    const diagnosis = diagnoses[diagnosisOf[i] ?? -1];
    if (gang?.isWhole === false) {
      if (slot !== UNPLACED) intake.undo(record, inventory.nameOf(slot));
      isUndone ||= slot !== UNPLACED;
      gang.refused.push({ record, diagnosis });
      return;
    }
    if (slot === UNPLACED) {
      rejected.push(i);
      return;
    }
    const node = inventory.nameOf(slot);
    intake.assume(record, node);
    if (gang?.isTogether === true) gang.placed.push({ record, node });
    else binder.bind(record, record.candidate as Candidate, node, seen);
  });
  for (const [key, { placed }] of gangs) {
    if (placed.length === 0) continue;
    intake.gangs.placed(key);
    binder.bindTogether(placed, seen);
  }
  // All that are on nodes now are there before anybody makes room among them.
  for (const i of rejected) intake.nominations.hold(records[i] as PodRecord);
  for (const { refused } of gangs.values()) for (const { record } of refused) intake.nominations.hold(record);
  for (const nominee of released) intake.nominations.hold(nominee);
  preemptor.begin();
  for (const [key, { refused }] of gangs) if (refused.length > 0) rejections.rejectGroup(key, refused, now_ms);
  for (const i of rejected) {
    const record = records[i] as PodRecord;
    const diagnosis = diagnoses[diagnosisOf[i] ?? -1];
    if (diagnosis === undefined) throw new Error(`no diagnosis for ${record.key}`);
    // What was in its way may have been a group that has nothing now.
    if (isUndone) queue.putBack((record.candidate as Candidate).ticket);
    else rejections.reject(record, diagnosis, now_ms);
  }
}
