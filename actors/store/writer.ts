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
import { endOf, sleep } from "./follow.ts";
import type { NoteHighWater } from "./high-water.ts";
import {
  APPEND_BATCH_BYTES,
  KEY_BYTES_MAX,
  LOG_RETRY_MAX_MS,
  LOG_RETRY_MS,
  OBJECT_BYTES_MAX,
  PROPOSAL_WAIT_MS,
  PROPOSALS_WAITING_MAX,
  REQUEST_BYTES_MAX,
} from "./limits.ts";
import type { Log } from "./log.ts";
import { AppendFenced, LogLost, LogUnavailable } from "./log.ts";
import { Overlay } from "./preconditions.ts";
import { PremiseTable } from "./premises.ts";
import type { Replica } from "./replica.ts";
import { type Outcome, PREMISES_BROKEN, type Transaction } from "./transaction.ts";

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
   * Answered with an Outcome. Fails with: `unavailable`, `stepped-down`, `busy` (retriable, with the same request id), `lost` (the log is not
   * what it was), `object-too-large`, `invalid`, and `forgotten`, when it may have been applied so long ago that nobody knows any more. `since` is a revision that was
   * committed before the request was made.
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

interface Proposal {
  readonly transaction: Transaction;
  readonly since: number;
  readonly arrived_ms: number;
  /** Usually one; a retry that comes while the first attempt waits joins it. Empty when all were given up. */
  senders: Sender[];
}

interface Refusal {
  readonly code: string;
  readonly message: string;
}

interface Decided {
  readonly proposal: Proposal;
  readonly outcome: Outcome;
}

class Writer implements Actor<WriterMessage> {
  readonly #context: Context<WriterMessage>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #replica: Replica;
  readonly #noteHighWater: NoteHighWater | undefined;
  readonly #gate: AppendGate | undefined;
  readonly #builder: BatchBuilder;
  readonly #batchBytesMax: number;
  /** All that wait for an answer, by request id, in order of arrival. */
  readonly #pending = new Map<string, Proposal>();
  /** Those of #pending that are in no batch yet, from #head on. */
  #queue: Proposal[] = [];
  #head = 0;
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
    if (options.replica.resources !== undefined) throw new Error("the writer needs a replica that holds all resources");
    this.#context = context;
    this.#clock = context.clock;
    this.#log = options.log;
    this.#premises = new PremiseTable(options.replica.revision);
    this.#replica = options.replica;
    this.#ownSequence = options.replica.sequence;
    this.#noteHighWater = options.noteHighWater;
    this.#gate = options.gate;
    this.#builder = new BatchBuilder(options.compressBytesMin);
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
    this.#stopped = true;
    for (const proposal of this.#queue.slice(this.#head))
      this.#fail(proposal, "stepped-down", "the writer stopped before the proposal's turn came");
    this.#failReaders("stepped-down", "the writer stopped");
    await this.#flight;
  }

  #propose({ transaction, since }: WriterMessage & { type: "propose" }, sender: Sender): void {
    const applied = this.#replica.requests.find(transaction.request);
    const waiting = this.#pending.get(transaction.request);
    const refusal = this.#refusalNow() ?? refusalOf(transaction) ?? this.#forgotten(since);
    if (applied !== undefined) sender.answer({ committed: true, revision: applied } satisfies Outcome);
    else if (waiting !== undefined) waiting.senders.push(sender);
    else if (refusal !== undefined) sender.fail(refusal.code, refusal.message);
    else {
      const proposal: Proposal = { transaction, since, arrived_ms: this.#clock.monotonic_ms(), senders: [sender] };
      this.#pending.set(transaction.request, proposal);
      this.#queue.push(proposal);
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
    if (this.#queue.length - this.#head >= PROPOSALS_WAITING_MAX)
      return { code: "busy", message: `${PROPOSALS_WAITING_MAX} proposals wait already` };
    return undefined;
  }

  /** The batch is built when this turn of the event loop has handed over all that it holds, not for its first proposal alone. */
  #schedule(): void {
    if (this.#startScheduled || this.#flying) return;
    this.#startScheduled = true;
    queueMicrotask(() => {
      this.#startScheduled = false;
      this.#start();
    });
  }

  #start(): void {
    if (this.#stopped || this.#flying || this.#head === this.#queue.length) return;
    const held = this.#gate?.held;
    if (held !== undefined) {
      void held.then(() => this.#schedule());
      return;
    }
    const expectedLastSequence = this.#replica.sequence;
    if (expectedLastSequence !== this.#ownSequence) this.#settleApplied(expectedLastSequence);
    const decided = this.#decide();
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
    const waiting = this.#queue.slice(this.#head);
    this.#head = 0;
    this.#queue = waiting.filter((proposal) => {
      const revision = this.#replica.requests.find(proposal.transaction.request);
      const refusal = revision === undefined ? this.#forgotten(proposal.since) : undefined;
      if (revision !== undefined) this.#answer(proposal, { committed: true, revision });
      else if (refusal !== undefined) this.#fail(proposal, refusal.code, refusal.message);
      return revision === undefined && refusal === undefined;
    });
  }

  /** Takes from the queue what fits into one batch, in order. Nothing of it may be told before the log has taken the batch. */
  #decide(): Decided[] {
    const decided: Decided[] = [];
    const overlay = new Overlay((key) => this.#replica.entry(key)?.revision);
    this.#builder.begin(this.#replica.revision + 1);
    while (this.#head < this.#queue.length) {
      const proposal = this.#queue[this.#head] as Proposal;
      const { mutations, premises } = proposal.transaction;
      const revision = this.#builder.nextRevision;
      const conflict = overlay.check(mutations, revision);
      const broken = premises === undefined || conflict !== undefined ? undefined : this.#premises.broken(premises);
      if (broken !== undefined) {
        decided.push({ proposal, outcome: { committed: false, index: PREMISES_BROKEN, actual: broken } });
      } else if (conflict !== undefined) {
        decided.push({ proposal, outcome: { committed: false, index: conflict.index, actual: conflict.actual } });
      } else if (this.#builder.add(proposal.transaction, this.#batchBytesMax)) {
        overlay.apply(mutations, revision);
        if (premises !== undefined) this.#premises.touch(premises, revision);
        decided.push({ proposal, outcome: { committed: true, revision } });
      } else if (!this.#builder.empty) {
        break;
      } else {
        this.#fail(proposal, "object-too-large", `the transaction is larger than the ${this.#batchBytesMax} bytes that one batch holds`);
      }
      this.#head++;
    }
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head > PROPOSALS_WAITING_MAX) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return decided;
  }

  /** Makes sure of what was decided on the log as it was up to `expectedLastSequence`: by the append, or when there is nothing to append by a look. */
  async #fly(batch: BuiltBatch | undefined, expectedLastSequence: number, decided: readonly Decided[]): Promise<void> {
    const sequence = await (batch === undefined
      ? this.#stillAt(expectedLastSequence)
      : this.#appendSurely(batch.bytes, expectedLastSequence));
    if (sequence === undefined) {
      for (const { proposal } of decided) this.#fail(proposal, "stepped-down", "another writer has taken over, or this one stopped");
      this.#stepDown();
      return;
    }
    if (batch !== undefined && this.#replica.apply(sequence, batch) === "gap")
      throw new Error(`batch ${sequence} was appended after a state that is not its predecessor`);
    this.#noteHighWater?.(sequence, this.#replica.revision);
    this.#ownSequence = sequence;
    this.#flying = false;
    // The next append travels while the answers to this one are sent.
    this.#start();
    for (const { proposal, outcome } of decided) this.#answer(proposal, outcome);
  }

  /**
   * Appends, whatever it takes. After a failure with unknown outcome the same append is tried again: either it is accepted now, or it is
   * refused because the log goes on already, and what stands there says whether it was us. Undefined: it was somebody else, or we were stopped.
   */
  async #appendSurely(bytes: Uint8Array, expectedLastSequence: number): Promise<number | undefined> {
    try {
      return await this.#whenAvailable(() => this.#log.append(bytes, expectedLastSequence));
    } catch (error) {
      if (!(error instanceof AppendFenced)) throw error;
      const found = await this.#whenAvailable(() => this.#log.get(expectedLastSequence + 1));
      return found !== undefined && Buffer.compare(found, bytes) === 0 ? expectedLastSequence + 1 : undefined;
    }
  }

  /** The sequence, when the log still ends there: nobody else has written. */
  async #stillAt(sequence: number): Promise<number | undefined> {
    return (await this.#whenAvailable(() => this.#log.lastSequence())) === sequence ? sequence : undefined;
  }

  /** What the log says, asked until it answers; undefined when this writer was stopped meanwhile. */
  async #whenAvailable<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
    for (let pause_ms = LOG_RETRY_MS; ; pause_ms = Math.min(pause_ms * 2, LOG_RETRY_MAX_MS)) {
      try {
        const answer = await ask();
        this.#recovered();
        return answer;
      } catch (error) {
        if (!(error instanceof LogUnavailable)) throw error;
        if (this.#stopped) return undefined;
        this.#failing(error);
        await sleep(this.#clock, pause_ms);
      }
    }
  }

  #failing(error: LogUnavailable): void {
    this.#trouble = error.message;
    if (isForGood(error) && !this.#lost) {
      this.#lost = true;
      this.#context.log.error({ error: error.message }, "writes are refused");
      for (const proposal of this.#queue.slice(this.#head)) this.#fail(proposal, "lost", error.message);
      for (const proposal of this.#pending.values()) this.#giveUp(proposal, "lost");
      this.#queue = [];
      this.#head = 0;
    }
    if (this.#unavailable) return;
    this.#unavailable = true;
    this.#context.log.warn({ error: error.message }, "the log of the store is unavailable; writes wait");
    this.#context.after(EXPIRE_EVERY_MS, { type: "expire" });
  }

  #recovered(): void {
    if (!this.#unavailable) return;
    this.#unavailable = false;
    this.#lost = false;
    this.#context.log.info({}, "the log of the store is available again");
  }

  #expire(): void {
    if (!this.#unavailable) return;
    const since = this.#clock.monotonic_ms() - PROPOSAL_WAIT_MS;
    const expired = [...this.#pending.values()].filter((proposal) => proposal.arrived_ms <= since && proposal.senders.length > 0);
    const queued = new Set(this.#queue.slice(this.#head));
    for (const proposal of expired) {
      // What flies stays pending without senders: its outcome comes later, and a retry may join it until then.
      if (queued.delete(proposal)) this.#fail(proposal, "unavailable", `the log of the store did not take it in time: ${this.#trouble}`);
      else this.#giveUp(proposal);
    }
    this.#queue = [...queued];
    this.#head = 0;
    this.#context.after(EXPIRE_EVERY_MS, { type: "expire" });
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

  #answer(proposal: Proposal, outcome: Outcome): void {
    this.#pending.delete(proposal.transaction.request);
    for (const sender of proposal.senders) sender.answer(outcome);
  }

  #fail(proposal: Proposal, code: string, message: string): void {
    this.#pending.delete(proposal.transaction.request);
    for (const sender of proposal.senders) sender.fail(code, message);
  }

  #giveUp(proposal: Proposal, code = "unavailable"): void {
    for (const sender of proposal.senders)
      sender.fail(code, `the log of the store did not answer in time (${this.#trouble}); whether the write happened is not known`);
    proposal.senders = [];
  }

  #failReaders(code: string, message: string): void {
    for (const reader of this.#readers) reader.fail(code, message);
    this.#readers = [];
  }

  /** Somebody else writes. Activated anew, this writer first follows the log to its end. */
  #stepDown(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const proposal of this.#pending.values()) this.#fail(proposal, "stepped-down", "another writer has taken over");
    this.#failReaders("stepped-down", "another writer has taken over");
    this.#context.log.warn({ sequence: this.#replica.sequence }, "another writer wrote to the log of the store; stepping down");
    this.#context.stop();
  }

  #break(error: unknown): void {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#stopped = true;
    for (const proposal of this.#pending.values())
      this.#fail(proposal, "stepped-down", "the writer crashed; whether the write happened is not known");
    this.#context.after(0, { type: "broken", what });
  }
}

/** What is wrong with a proposal whatever the state of the store; undefined when nothing is. */
function refusalOf(transaction: Transaction): Refusal | undefined {
  const { request, mutations } = transaction;
  if (request === "" || isLongerThan(request, REQUEST_BYTES_MAX)) {
    return { code: "invalid", message: `a request id has 1 to ${REQUEST_BYTES_MAX} bytes` };
  }
  if (mutations.length === 0) return { code: "invalid", message: "a transaction has at least one mutation" };
  for (const mutation of mutations) {
    if (!mutation.key.includes("/") || isLongerThan(mutation.key, KEY_BYTES_MAX)) {
      return { code: "invalid", message: `${mutation.key} is no key of at most ${KEY_BYTES_MAX} bytes` };
    }
    if (mutation.op !== "delete" && isLongerThan(mutation.text, OBJECT_BYTES_MAX)) {
      return { code: "object-too-large", message: `${mutation.key} has more than ${OBJECT_BYTES_MAX} bytes` };
    }
  }
  return undefined;
}

/** Whether only somebody's doing can bring the log back. One that was shortened is made up for, where that can be done. */
function isForGood(error: LogUnavailable): boolean {
  return error instanceof LogLost && error.how !== "shortened";
}

/** Whether the string has more bytes of UTF-8; counts them only when its length leaves a doubt. */
function isLongerThan(text: string, bytes: number): boolean {
  return text.length > bytes || (text.length * 3 > bytes && Buffer.byteLength(text) > bytes);
}
