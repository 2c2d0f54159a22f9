import { ANYWHERE, type Diagnosis, Draw, IndexCache, placeBatch, UNPLACED } from "../../scheduler-core/mod.ts";
import type { PlacedMember } from "./binder.ts";
import type { Consultations, ConsultedGroup } from "./consultations.ts";
import type { LandingOptions } from "./landing.ts";
import { extendersMessage } from "./messages.ts";
import type { Candidate } from "./pod-record.ts";

const SEED = 1;

/**
 * The extenders have answered about all members of a group: one after another, the most important first, gets the best node that they left it and that still takes it.
 * Enough of them are bound in one transaction, or none.
 */
export function landConsulted(
  { gang, members, error }: ConsultedGroup,
  { inventory, intake, queue, binder, rejections, preemptor }: LandingOptions,
  consultations: Consultations,
  { seen, now_ms }: { readonly seen: number; readonly now_ms: number },
): void {
  intake.gangs.endAsking(gang);
  const current = members.filter(({ record }) => intake.isCurrent(record) && record.node === undefined && record.candidate !== undefined);
  if (error !== undefined || current.length < members.length) {
    for (const { record } of current) {
      const { ticket } = record.candidate as Candidate;
      if (error === undefined) queue.putBack(ticket);
      else rejections.fail(record, error, now_ms);
    }
    intake.rejoin(gang);
    return;
  }
  const indexes = new IndexCache();
  const placed: PlacedMember[] = [];
  const left: { readonly member: (typeof current)[number]; readonly diagnosis: Diagnosis | undefined }[] = [];
  const sorted = current.toSorted((a, b) => b.record.priority - a.record.priority);
  for (const { record } of sorted) intake.nominations.release(record);
  for (const member of sorted) {
    const { record, opinion } = member;
    const { handle, pin } = record.candidate as Candidate;
    const pods = inventory.ready(handle, record.peer);
    const guests = intake.nominations.guests();
    const pins = opinion?.ranked.map((node) => intake.slotOfPin(node)) ?? [pin === undefined ? ANYWHERE : intake.slotOfPin(pin)];
    let slot = UNPLACED;
    let diagnosis: Diagnosis | undefined;
    for (const at of pins) {
      const batch = { classes: [pods], pods: Int32Array.of(0), pins: Int32Array.of(at), guests };
      const answer = placeBatch(inventory.cluster, batch, indexes, new Draw(SEED));
      slot = answer.slots[0] ?? UNPLACED;
      if (slot !== UNPLACED) break;
      if (opinion === undefined) diagnosis = answer.diagnoses[0];
    }
    if (slot === UNPLACED) left.push({ member, diagnosis });
    else placed.push({ record, node: inventory.nameOf(slot) });
  }
  preemptor.begin();
  if (placed.length >= intake.gangs.wanted(gang)) {
    for (const { record, node } of placed) intake.assume(record, node);
    intake.gangs.placed(gang);
    binder.bindTogether(placed, seen);
    for (const { member, diagnosis } of left) {
      if (diagnosis === undefined) queue.putBack((member.record.candidate as Candidate).ticket);
      else rejections.reject(member.record, diagnosis, now_ms);
    }
  } else {
    for (const { record, node } of placed) intake.undo(record, node);
    for (const { record } of sorted) intake.nominations.hold(record);
    for (const { member } of left) if (member.opinion !== undefined) consultations.turnAway(member.record);
    const refused = [
      ...placed.map(({ record }) => ({ record, diagnosis: undefined })),
      ...left.map(({ member: { record, opinion }, diagnosis }) => ({
        ...{ record, diagnosis },
        words: opinion === undefined ? undefined : extendersMessage(opinion.failed, inventory.nodes()),
      })),
    ];
    rejections.rejectGroup(gang, refused, now_ms);
  }
  intake.rejoin(gang);
}
