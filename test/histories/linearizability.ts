import type { Operation } from "./operation.ts";
import { describeOperation } from "./operation.ts";
import { ABSENT, type Register, step } from "./register.ts";

/** Steps of the search for one key before it is given up: far more than any history of ours needs, so that a test cannot hang. */
const STEPS_MAX = 5_000_000;
/** Operations that an explanation shows. */
const SHOWN = 8;

/**
 * Whether a history of compare-and-set registers is linearizable: whether each operation can have happened in one moment between its call
 * and its return so that all answers are right. Operations without an answer happened at some moment after their call, or not at all. Gives
 * what is wrong in words, for each key that is not; nothing means that all is well.
 *
 * Each key is searched by itself, since linearizability is local (Herlihy and Wing 1990, theorem 1), by the algorithm of Wing and Gong
 * (1993) with Lowe's memory of configurations (2017): what Porcupine does.
 */
export function linearizabilityFaults(operations: readonly Operation[]): string[] {
  const byKey = new Map<string, Operation[]>();
  for (const operation of operations) {
    const others = byKey.get(operation.key);
    if (others === undefined) byKey.set(operation.key, [operation]);
    else others.push(operation);
  }
  return [...byKey].flatMap(([key, history]) => {
    const stuck = new Search(history).run();
    return stuck === undefined ? [] : [`${key} is not linearizable: ${stuck}`];
  });
}

/** A call or a return in the list of those that are not linearized yet. */
interface Event {
  readonly index: number;
  readonly operation: Operation;
  /** The return of a call; undefined for calls without one, and for returns. */
  readonly match: Event | undefined;
  readonly isCall: boolean;
  previous: Event | undefined;
  next: Event | undefined;
}

class Search {
  readonly #operations: readonly Operation[];
  /** Stands before the first event. */
  readonly #head: Event;
  /** Bit i: operation i is linearized. */
  readonly #done: Uint32Array;
  /** Answered operations that are not linearized. */
  #left = 0;
  #fewestLeft = Number.POSITIVE_INFINITY;
  #furthest: readonly Operation[] = [];
  #blocked: Operation | undefined;
  readonly #seen = new Set<string>();
  readonly #path: { readonly event: Event; readonly before: Register }[] = [];

  constructor(history: readonly Operation[]) {
    this.#operations = [...history].sort((a, b) => a.called - b.called);
    this.#done = new Uint32Array(Math.ceil(history.length / 32));
    const events: Event[] = [];
    this.#operations.forEach((operation, index) => {
      const answered = operation.answer !== undefined;
      const end = event(index, operation, undefined, false);
      if (answered) {
        events.push(end);
        this.#left++;
      }
      events.push(event(index, operation, answered ? end : undefined, true));
    });
    // At the same moment calls come first: such operations overlap.
    events.sort((a, b) => momentOf(a) - momentOf(b) || Number(b.isCall) - Number(a.isCall));
    this.#head = event(-1, this.#operations[0] as Operation, undefined, false);
    let last = this.#head;
    for (const each of events) {
      last.next = each;
      each.previous = last;
      last = each;
    }
  }

  /** Undefined when a linearization was found; else how far the best attempt came. */
  run(): string | undefined {
    let state = ABSENT;
    let at = this.#head.next;
    for (let steps = 0; this.#left > 0; steps++) {
      if (steps > STEPS_MAX) throw new Error(`no verdict after ${STEPS_MAX} steps on ${this.#operations.length} operations of one key`);
      if (at?.isCall) {
        const after = step(state, at.operation);
        if (after !== undefined && this.#isNew(at.index, after)) {
          this.#path.push({ event: at, before: state });
          this.#lift(at);
          state = after;
          at = this.#head.next;
        } else {
          at = at.next;
        }
        continue;
      }
      // A return whose call is not linearized, or nothing left to try: back.
      if (this.#left < this.#fewestLeft) this.#remember(at?.operation);
      const last = this.#path.pop();
      if (last === undefined) return this.#explanation();
      this.#unlift(last.event);
      state = last.before;
      at = last.event.next;
    }
    return undefined;
  }

  #isNew(index: number, state: Register): boolean {
    this.#flip(index);
    let first = 0;
    while (this.#done[first] === 0xffffffff) first++;
    const configuration = `${first}:${this.#done.subarray(first).join()}:${state.present}:${state.revision}:${state.floor}:${state.value}`;
    this.#flip(index);
    if (this.#seen.has(configuration)) return false;
    this.#seen.add(configuration);
    return true;
  }

  #flip(index: number): void {
    this.#done[index >>> 5] = ((this.#done[index >>> 5] ?? 0) ^ (1 << (index & 31))) >>> 0;
  }

  #lift(call: Event): void {
    this.#flip(call.index);
    unlink(call);
    if (call.match === undefined) return;
    unlink(call.match);
    this.#left--;
  }

  #unlift(call: Event): void {
    this.#flip(call.index);
    if (call.match !== undefined) {
      relink(call.match);
      this.#left++;
    }
    relink(call);
  }

  #remember(blocked: Operation | undefined): void {
    this.#fewestLeft = this.#left;
    this.#furthest = this.#path.map(({ event: { operation } }) => operation);
    this.#blocked = blocked;
  }

  #explanation(): string {
    const shown = this.#furthest.slice(-SHOWN).map((operation) => `\n  ${describeOperation(operation)}`);
    const blocked = this.#blocked === undefined ? "" : `\nno place was found for\n  ${describeOperation(this.#blocked)}`;
    return `of ${this.#operations.length} operations at most ${this.#furthest.length} fit, the last of them${shown.join("")}${blocked}`;
  }
}

function event(index: number, operation: Operation, match: Event | undefined, isCall: boolean): Event {
  return { index, operation, match, isCall, previous: undefined, next: undefined };
}

function momentOf({ isCall, operation }: Event): number {
  return isCall ? operation.called : operation.returned;
}

function unlink({ previous, next }: Event): void {
  if (previous !== undefined) previous.next = next;
  if (next !== undefined) next.previous = previous;
}

/** Undoes `unlink`; in the reverse order of several. */
function relink(each: Event): void {
  if (each.previous !== undefined) each.previous.next = each;
  if (each.next !== undefined) each.next.previous = each;
}
