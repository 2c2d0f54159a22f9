import {
  type Actor,
  type ActorKind,
  type Address,
  type Clock,
  type Context,
  type Sender,
  type Supervision,
  unknownMessage,
} from "../../runtime/mod.ts";
import type { AppendGate } from "./append-gate.ts";
import type { BuiltBatch } from "./batch-builder.ts";
import { BatchBuilder } from "./batch-builder.ts";
import { endOf } from "./follow.ts";
import type { NoteHighWater } from "./high-water.ts";
import { APPEND_BATCH_BYTES, PROPOSAL_WAIT_MS, PROPOSALS_WAITING_MAX } from "./limits.ts";
import type { Log } from "./log.ts";
import { LogLost, LogUnavailable } from "./log.ts";
import { PersistentLog } from "./persistent-log.ts";
import { PremiseTable } from "./premises.ts";
import { Proposal, type Refusal, refusalOf } from "./proposal.ts";
import { Proposals } from "./proposals.ts";
import type { Replica } from "./replica.ts";
import type { StoreCondition } from "./store-condition.ts";
import type { Outcome, Transaction } from "./transaction.ts";

/**
 * The single writer of the store. It promises: a transaction is applied whole or not at all, and once; an answer, also that of a
 * failed precondition, rests on what the log held at some moment between question and answer, though another may write; revisions have no hole.
 *
 * Group commit: one append is in flight; what arrives meanwhile waits and goes into the next batch together. Preconditions are checked when
 * a batch is built, against the replica of this host, and the append is fenced with that replica's sequence: so what was checked is
 * what the log held, or the append is refused. Safety rests on that alone; that there is one writer only makes it fast.
 */
export const WRITER_KIND = "writer";
/** The one writer, until the store has shards. */
export const WRITER_ADDRESS: Address = "writer/main";
/**
 * Other addresses of the same writer, for when its host cannot be reached and has not been given up yet: where several hosts offer writers,
 * some of these live elsewhere. Two writers at once are slow, never wrong: the log's fence decides.
 */
export const STANDBY_ADDRESSES: readonly Address[] = ["writer/standby-1", "writer/standby-2", "writer/standby-3", "writer/standby-4"];

export type WriterMessage =
  /**
   * Answered with an Outcome. Fails with `busy` or `stepped-down`, when this attempt did nothing and never will, or `unavailable`, when nobody knows (all
   * retriable, with the same request id); `lost` (the log is not what it was), `object-too-large`, `invalid`, and `forgotten`, when it may have been applied
   * so long ago that nobody knows any more. `since` is a revision that was committed before the request was made.
   */
  | { readonly type: "propose"; readonly transaction: Transaction; readonly since: number }
  /** Answered with the number of the newest committed revision, as of a moment after the question came. Fails with `unavailable`, `lost`, `stepped-down`. */
  | { readonly type: "committedRevision" }
  /** From itself, while the log is unavailable: fail those who have waited too long. */
  | { readonly type: "expire" }
  /** From itself: what went wrong outside a turn, to crash in one. */
  | { readonly type: "broken"; readonly what: string };

export interface WriterOptions {
  readonly log: Log;
  /** The replica of the writer's host, kept up to date by `follow`; it must hold all resources. */
  readonly replica: Replica;
  /** Told of each batch before anybody is answered. */
  readonly noteHighWater?: NoteHighWater;
  /** Told how long appends take. */
  readonly condition?: Pick<StoreCondition, "appended">;
  /** Lets others of this host have the log to themselves for a moment. */
  readonly gate?: AppendGate;
  /** Batches of at least this many bytes are compressed. Default COMPRESS_BYTES_MIN. */
  readonly compressBytesMin?: number;
}

/** How often the waiting are looked through while the log is unavailable. */
const EXPIRE_EVERY_MS = 250;

/** A writer that crashes again and again stands on a replica that is wrong; its host is to begin anew from the log. */
const WRITER_SUPERVISION: Supervision = {
  strategy: "restart",
  backoff_ms: 50,
  backoff_max_ms: 2_000,
  limit: { restarts_max: 10, within_ms: 60_000, beyond: "escalate" },
};

export function writerKind(options: WriterOptions): ActorKind<WriterMessage> {
  return {
    kind: WRITER_KIND,
    mailboxCapacity: PROPOSALS_WAITING_MAX,
    supervision: WRITER_SUPERVISION,
    async activate(context: Context<WriterMessage>): Promise<Actor<WriterMessage>> {
      await options.replica.untilSequence(await endOf(options.log, context.clock, () => false));
      return new Writer(context, options);
    },
  };
}

class Writer implements Actor<WriterMessage> {
  readonly #context: Context<WriterMessage>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #surely: PersistentLog;
  readonly #replica: Replica;
  readonly #noteHighWater: NoteHighWater | undefined;
  readonly #condition: Pick<StoreCondition, "appended"> | undefined;
  readonly #gate: AppendGate | undefined;
  readonly #builder: BatchBuilder;
  readonly #batchBytesMax: number;
  readonly #proposals = new Proposals();
  readonly #premises: PremiseTable;
  /** The newest batch that was ours, or that the replica had when we began: beyond it somebody else has written. */
  #ownSequence: number;
  /** Whether a batch is in flight. While it is, the replica is at its sequence - 1, or has it already through the follower. */
  #flying = false;
  #flight: Promise<void> | undefined;
  #startScheduled = false;
  #unavailable = false;
  /** Whether it is unavailable because it is not what it was. */
  #lost = false;
  /** Why it was unavailable last. */
  #trouble = "";
  #stopped = false;
  #readers: Sender[] = [];
  #confirming = false;

  constructor(context: Context<WriterMessage>, options: WriterOptions) {
    if (!options.replica.isWhole) throw new Error("the writer needs a replica that holds all resources");
    this.#context = context;
    this.#clock = context.clock;
    this.#log = options.log;
    this.#surely = new PersistentLog(options.log, context.clock, {
      failing: (error) => this.#failing(error),
      answered: () => this.#answered(),
    });
    this.#premises = new PremiseTable(options.replica.revision);
    this.#replica = options.replica;
    this.#ownSequence = options.replica.sequence;
    this.#noteHighWater = options.noteHighWater;
    this.#condition = options.condition;
    this.#gate = options.gate;
    this.#builder = new BatchBuilder(options.compressBytesMin, options.replica.transformer);
    this.#batchBytesMax = Math.min(APPEND_BATCH_BYTES, options.log.batchBytesMax);
  }

  receive(message: WriterMessage, sender: Sender): void {
    switch (message.type) {
      case "propose":
        this.#propose(message, sender);
        return;
      case "committedRevision":
        this.#readers.push(sender);
        if (!this.#confirming) void this.#confirm();
        return;
      case "expire":
        this.#expire();
        return;
      case "broken":
        throw new Error(message.what);
      default:
        unknownMessage(message);
    }
  }

  /** The batch in flight is waited for: its proposers learn the truth. */
  async stopped(): Promise<void> {
    this.#stop();
    this.#proposals.failQueued("stepped-down", "the writer stopped before the proposal's turn came");
    this.#failReaders("stepped-down", "the writer stopped");
    await this.#flight;
  }

  #stop(): void {
    this.#stopped = true;
    this.#surely.stop();
  }

  #propose({ transaction, since }: WriterMessage & { type: "propose" }, sender: Sender): void {
    const applied = this.#replica.requests.find(transaction.request);
    const waiting = this.#proposals.find(transaction);
    const refusal = this.#refusalNow() ?? refusalOf(transaction) ?? this.#forgotten(since);
    if (applied !== undefined) sender.answer({ committed: true, revision: applied } satisfies Outcome);
    else if (waiting !== undefined) waiting.join(sender);
    else if (refusal !== undefined) sender.fail(refusal.code, refusal.message);
    else {
      this.#proposals.add(new Proposal(transaction, since, this.#clock.monotonic_ms(), sender));
      this.#schedule();
    }
  }

  /** A request that was made before what is remembered begins, and is not remembered, may have been applied all the same. */
  #forgotten(since: number): Refusal | undefined {
    const remembered = this.#replica.requests.since;
    if (since >= remembered) return undefined;
    return { code: "forgotten", message: `the request is of revision ${since}, and requests are remembered after ${remembered} only` };
  }

  #refusalNow(): Refusal | undefined {
    if (this.#stopped) return { code: "stepped-down", message: "this writer has stopped" };
    if (this.#lost) return { code: "lost", message: this.#trouble };
    if (this.#proposals.queued >= PROPOSALS_WAITING_MAX)
      return { code: "busy", message: `${PROPOSALS_WAITING_MAX} proposals wait already` };
    return undefined;
  }

  /** The batch is built when this turn of the event loop has handed over all that it holds, not for its first proposal alone. */
  #schedule(): void {
    if (this.#startScheduled || this.#flying) return;
    this.#startScheduled = true;
    this.#context.atTurnEnd(() => {
      this.#startScheduled = false;
      this.#start();
    });
  }

  #start(): void {
    if (this.#stopped || this.#flying || this.#proposals.queued === 0) return;
    const held = this.#gate?.held;
    if (held !== undefined) {
      void held.then(() => this.#schedule());
      return;
    }
    const expectedLastSequence = this.#replica.sequence;
    if (expectedLastSequence !== this.#ownSequence) this.#settleApplied(expectedLastSequence);
    const decided = this.#proposals.decide(this.#replica, this.#premises, this.#builder, this.#batchBytesMax);
    if (decided.length === 0) return;
    const batch = this.#builder.empty ? undefined : this.#builder.finish();
    this.#flying = true;
    this.#flight = this.#fly(batch, expectedLastSequence, decided).catch((error: unknown) => this.#break(error));
    this.#gate?.flying(this.#flight);
  }

  /** Another writer was at work: what waits here may have reached it too, and must not be applied again. */
  #settleApplied(sequence: number): void {
    this.#ownSequence = sequence;
    this.#premises.reset(this.#replica.revision);
    this.#proposals.filterQueued((proposal) => {
      const revision = this.#replica.requests.find(proposal.transaction.request);
      const refusal = revision === undefined ? this.#forgotten(proposal.since) : undefined;
      if (revision !== undefined) this.#proposals.answer(proposal, { committed: true, revision });
      else if (refusal !== undefined) this.#proposals.fail(proposal, refusal.code, refusal.message);
      return revision === undefined && refusal === undefined;
    });
  }

  /** Makes sure of what was decided on the log as it was up to `expectedLastSequence`: by the append, or when there is nothing to append by a look. */
  async #fly(batch: BuiltBatch | undefined, expectedLastSequence: number, decided: readonly Proposal[]): Promise<void> {
    const begun_ms = this.#clock.monotonic_ms();
    const sequence = await (batch === undefined
      ? this.#surely.stillAt(expectedLastSequence)
      : this.#surely.append(batch.bytes, expectedLastSequence));
    if (typeof sequence === "string") {
      const [code, message] =
        sequence === "overtaken"
          ? ["stepped-down", "another writer has taken over"]
          : ["unavailable", "this writer stopped before the log had answered; whether the write happened is not known"];
      for (const proposal of decided) this.#proposals.fail(proposal, code as string, message as string);
      this.#stepDown();
      return;
    }
    if (batch !== undefined) this.#condition?.appended(this.#clock.monotonic_ms() - begun_ms);
    if (batch !== undefined && this.#replica.apply(sequence, batch) === "gap")
      throw new Error(`batch ${sequence} was appended after a state that is not its predecessor`);
    this.#noteHighWater?.(sequence, this.#replica.revision);
    this.#ownSequence = sequence;
    this.#flying = false;
    // The next append travels while the answers to this one are sent.
    this.#start();
    for (const proposal of decided) this.#proposals.answer(proposal, proposal.outcome as Outcome);
  }

  #failing(error: LogUnavailable): void {
    this.#trouble = error.message;
    if (isForGood(error) && !this.#lost) {
      this.#lost = true;
      this.#context.log.error({ error: error.message }, "writes are refused");
      this.#proposals.failQueued("lost", error.message);
      this.#proposals.giveUpFlying(() => true, "lost", this.#notKnown());
    }
    if (this.#unavailable) return;
    this.#unavailable = true;
    this.#context.log.warn({ error: error.message }, "the log of the store is unavailable; writes wait");
    this.#context.after(EXPIRE_EVERY_MS, { type: "expire" });
  }

  #answered(): void {
    if (!this.#unavailable) return;
    this.#unavailable = false;
    this.#lost = false;
    this.#context.log.info({}, "the log of the store is available again");
  }

  #expire(): void {
    if (!this.#unavailable) return;
    const since = this.#clock.monotonic_ms() - PROPOSAL_WAIT_MS;
    const isLate = (proposal: Proposal): boolean => proposal.arrived_ms <= since;
    this.#proposals.giveUpFlying(isLate, "unavailable", this.#notKnown());
    this.#proposals.filterQueued((proposal) => {
      if (!isLate(proposal)) return true;
      this.#proposals.fail(proposal, "unavailable", `the log of the store did not take it in time: ${this.#trouble}`);
      return false;
    });
    this.#context.after(EXPIRE_EVERY_MS, { type: "expire" });
  }

  #notKnown(): string {
    return `the log of the store did not answer in time (${this.#trouble}); whether the write happened is not known`;
  }

  /** Asks the log where it ends: only so can a writer that was overtaken without knowing it notice, and not answer with an old revision. */
  async #confirm(): Promise<void> {
    this.#confirming = true;
    while (this.#readers.length > 0) {
      const readers = this.#readers;
      this.#readers = [];
      try {
        const end = await this.#log.lastSequence();
        // What lies beyond the replica is either the batch in flight, or proof that somebody else writes: the flight's end tells.
        if (end > this.#replica.sequence) await this.#flight;
        const overtaken = end > this.#replica.sequence;
        for (const reader of readers) {
          if (overtaken) reader.fail("stepped-down", "another writer has taken over");
          else reader.answer(this.#replica.revision);
        }
        if (overtaken) this.#stepDown();
      } catch (error) {
        const code = error instanceof LogUnavailable && isForGood(error) ? "lost" : "unavailable";
        for (const reader of readers) reader.fail(code, error instanceof Error ? error.message : String(error));
      }
    }
    this.#confirming = false;
  }

  #failReaders(code: string, message: string): void {
    for (const reader of this.#readers) reader.fail(code, message);
    this.#readers = [];
  }

  /** Somebody else writes. Activated anew, this writer first follows the log to its end. */
  #stepDown(): void {
    if (this.#stopped) return;
    this.#stop();
    this.#proposals.failAll("stepped-down", "another writer has taken over");
    this.#failReaders("stepped-down", "another writer has taken over");
    this.#context.log.warn({ sequence: this.#replica.sequence }, "another writer wrote to the log of the store; stepping down");
    this.#context.stop();
  }

  #break(error: unknown): void {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#stop();
    this.#proposals.failAll("unavailable", "the writer crashed; whether the write happened is not known");
    this.#context.after(0, { type: "broken", what });
  }
}

/** Whether only somebody's doing can bring the log back. One that was shortened is made up for, where that can be done. */
function isForGood(error: LogUnavailable): boolean {
  return error instanceof LogLost && error.how !== "shortened";
}
