import type { BatchBuilder } from "./batch-builder.ts";
import { PROPOSALS_WAITING_MAX } from "./limits.ts";
import { Overlay } from "./preconditions.ts";
import type { PremiseTable } from "./premises.ts";
import type { Proposal } from "./proposal.ts";
import { type Outcome, PREMISES_BROKEN, type Transaction } from "./transaction.ts";
import type { Entry } from "./view.ts";

/** What preconditions are checked against. */
interface State {
  readonly revision: number;
  entry(key: string): Entry | undefined;
}

/** All proposals at a writer that wait for an answer: first those of the batch in flight, then those of none yet, in order of arrival. */
export class Proposals {
  /** By request id, in order of arrival. */
  readonly #pending = new Map<string, Proposal>();
  /** Those of #pending that are in no batch yet, from #head on. */
  #queue: Proposal[] = [];
  #head = 0;

  /** How many are in no batch yet. */
  get queued(): number {
    return this.#queue.length - this.#head;
  }

  find(transaction: Transaction): Proposal | undefined {
    return this.#pending.get(transaction.request);
  }

  add(proposal: Proposal): void {
    this.#pending.set(proposal.transaction.request, proposal);
    this.#queue.push(proposal);
  }

  answer(proposal: Proposal, outcome: Outcome): void {
    this.#pending.delete(proposal.transaction.request);
    proposal.answer(outcome);
  }

  fail(proposal: Proposal, code: string, message: string): void {
    this.#pending.delete(proposal.transaction.request);
    proposal.fail(code, message);
  }

  failAll(code: string, message: string): void {
    for (const proposal of this.#pending.values()) this.fail(proposal, code, message);
    this.#take(this.#queue.length);
  }

  failQueued(code: string, message: string): void {
    this.filterQueued((proposal) => {
      this.fail(proposal, code, message);
      return false;
    });
  }

  /** Tells those who wait for the batch in flight that nobody knows. It stays pending: its outcome comes later, and a retry may join it until then. */
  giveUpFlying(which: (proposal: Proposal) => boolean, code: string, message: string): void {
    let flying = this.#pending.size - this.queued;
    for (const proposal of this.#pending.values()) {
      if (flying-- <= 0) return;
      if (proposal.awaited && which(proposal)) proposal.fail(code, message);
    }
  }

  /** Keeps in the queue those that `keep` says, which has answered the others. */
  filterQueued(keep: (proposal: Proposal) => boolean): void {
    const queued = this.#queue.slice(this.#head);
    this.#head = 0;
    this.#queue = queued.filter(keep);
  }

  /**
   * Takes from the queue what fits into one batch, in order, and builds it on this state. What was decided is in the proposals; nothing of it may be
   * told before the log has taken the batch.
   */
  decide(state: State, touched: PremiseTable, builder: BatchBuilder, batchBytesMax: number): readonly Proposal[] {
    const decided: Proposal[] = [];
    const overlay = new Overlay((key) => state.entry(key)?.revision);
    builder.begin(state.revision + 1);
    let at = this.#head;
    for (; at < this.#queue.length; at++) {
      const proposal = this.#queue[at] as Proposal;
      const { mutations, premises } = proposal.transaction;
      const revision = builder.nextRevision;
      const conflict = overlay.check(mutations, revision);
      const broken = premises === undefined || conflict !== undefined ? undefined : touched.broken(premises);
      if (broken !== undefined) {
        proposal.outcome = { committed: false, index: PREMISES_BROKEN, actual: broken };
        decided.push(proposal);
      } else if (conflict !== undefined) {
        proposal.outcome = { committed: false, index: conflict.index, actual: conflict.actual };
        decided.push(proposal);
      } else if (builder.add(proposal.transaction, batchBytesMax)) {
        overlay.apply(mutations, revision);
        if (premises !== undefined) touched.touch(premises, revision);
        proposal.outcome = { committed: true, revision };
        decided.push(proposal);
      } else if (!builder.empty) {
        break;
      } else {
        this.fail(proposal, "object-too-large", `the transaction is larger than the ${batchBytesMax} bytes that one batch holds`);
      }
    }
    this.#take(at);
    return decided;
  }

  /** Moves the head, and gives memory back now and then. */
  #take(head: number): void {
    this.#head = head;
    if (head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (head > PROPOSALS_WAITING_MAX) {
      this.#queue = this.#queue.slice(head);
      this.#head = 0;
    }
  }
}
