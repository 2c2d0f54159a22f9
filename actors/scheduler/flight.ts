import { ANYWHERE, type Batch, type Inventory, type Placements, type PodClass } from "../../scheduler-core/mod.ts";
import type { Intake } from "./intake.ts";
import { withoutLower } from "./nominations.ts";
import type { Candidate, PodRecord } from "./pod-record.ts";

/** A batch that the pool works on; the arrays are its until the answer is here. */
export interface Flight {
  readonly records: readonly PodRecord[];
  /** The revision up to which everything was in the arrays. */
  readonly seen: number;
  /** Nominees of lower priority, whose room did not count. */
  readonly released: readonly PodRecord[];
  answer: Placements | Error | undefined;
}

/** What is to be sent off, and who has to wait for the next. */
interface Prepared {
  readonly flight: Flight;
  readonly batch: Batch;
  readonly deferred: readonly PodRecord[];
}

/** Makes a batch of pods, the most important first. The room that is kept for them is theirs to take meanwhile. */
export function prepareFlight(popped: readonly PodRecord[], seen: number, inventory: Inventory, intake: Intake): Prepared {
  const { nominations } = intake;
  const isNominee = (record: PodRecord): number => (nominations.nodeOf(record) === undefined ? 0 : 1);
  // The room that was made for a pod is its own, until somebody more important comes.
  const sorted = [...popped].sort((a, b) => b.priority - a.priority || isNominee(b) - isNominee(a));
  for (const record of sorted) nominations.release(record);
  const { records, released, deferred } = withoutLower(sorted, nominations);
  // Their terms are to be known when it is worked out what other pods have to say about these.
  nominations.guests();
  const numbers = new Map<string, number>();
  const classes: PodClass[] = [];
  const pods = new Int32Array(records.length);
  const pins = new Int32Array(records.length);
  let nominated: Int32Array | undefined;
  records.forEach((record, i) => {
    const { handle, pin } = record.candidate as Candidate;
    const key = `${handle.id}/${inventory.kinship(record.peer).id}`;
    let number = numbers.get(key);
    if (number === undefined) {
      number = classes.length;
      classes.push(inventory.ready(handle, record.peer));
      numbers.set(key, number);
    }
    pods[i] = number;
    pins[i] = pin === undefined ? ANYWHERE : intake.slotOfPin(pin);
    const slot = inventory.slotOf(nominations.nodeOf(record) ?? "");
    if (slot === undefined) return;
    nominated ??= new Int32Array(records.length).fill(ANYWHERE);
    nominated[i] = slot;
  });
  return {
    flight: { records, released, seen, answer: undefined },
    batch: { classes, pods, pins, nominated, guests: nominations.guests() },
    deferred,
  };
}
