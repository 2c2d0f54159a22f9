/** What follows a log calls for each batch, in sequence order, each sequence exactly once. The bytes belong to the log: copy what you keep. */
export type OnBatch = (sequence: number, bytes: Uint8Array) => void;

/** A log being followed. */
export interface Reading {
  /** Resolves after stop(); rejects with what `onBatch` threw, or with LogCut when batches that were asked for are gone. */
  readonly done: Promise<void>;
  stop(): void;
}

/**
 * The store's log: a totally ordered sequence of batches, numbered from 1 without a hole. What was appended is durable when `append`
 * resolves. The expected last sequence is the fence: of all who append after the same batch, one wins and the others learn it.
 */
export interface Log {
  /** The largest batch that it takes. */
  readonly batchBytesMax: number;
  /** Appends as `expectedLastSequence + 1`, and resolves to that. Rejects with AppendFenced or LogUnavailable. */
  append(batch: Uint8Array, expectedLastSequence: number): Promise<number>;
  /** Follows the log from this sequence on, for ever. Lost connections and restarted servers cause neither gaps nor repetitions. */
  read(fromSequence: number, onBatch: OnBatch): Reading;
  /** The same without the batches: who has most of them already need not be sent them again. */
  announce(fromSequence: number, onSequence: (sequence: number) => void): Reading;
  /** The batch at this sequence; undefined when there is none (yet). Rejects with LogUnavailable. */
  get(sequence: number): Promise<Uint8Array | undefined>;
  /** The newest sequence; 0 in an empty log. Rejects with LogUnavailable. */
  lastSequence(): Promise<number>;
}

/** What a log holds now. In an empty one `first` is `last + 1`. */
export interface LogBounds {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

/** A log whose beginning can be cut off, because snapshots stand for it. */
export interface CuttableLog extends Log {
  /** Given to it when it was made: tells it from any other log that ever was in the same place. */
  readonly id: string;
  /** The newest sequence that it was seen to have. */
  readonly reached: number;
  /** Rejects with LogUnavailable. */
  bounds(): Promise<LogBounds>;
  /** As `get`, from whichever copy of the log answers: for looking whether it is whole, not for deciding anything. */
  copy(sequence: number): Promise<Uint8Array | undefined>;
  /** Takes away all batches before this sequence, which may lie beyond the end: then the next append gets it. Rejects with LogUnavailable. */
  cutBefore(sequence: number): Promise<void>;
}

/** The log's last sequence is not the expected one: somebody else wrote, or an earlier attempt of ours arrived after all. Nothing was appended. */
export class AppendFenced extends Error {
  override readonly name = "AppendFenced";
  constructor(expectedLastSequence: number) {
    super(`the log no longer ends at sequence ${expectedLastSequence}`);
  }
}

/** The log cannot be reached or refuses to write now. The outcome of an append is unknown: the same append again finds it out. */
export class LogUnavailable extends Error {
  override readonly name = "LogUnavailable";
}

/**
 * The log is not what it was while it was in use: gone, another one in its place, or shorter than what was acknowledged. To those who write as
 * unavailable as a server that does not answer, with the difference that only what made it so can end it.
 */
export class LogLost extends LogUnavailable {
  readonly how: HowLost;
  constructor(how: HowLost, what: string) {
    super(`the log of the store is not what it was: ${what}`);
    this.how = how;
  }
}

/** Deleted; another in its place; the same without its end, which whoever has seen it all can make up for. */
export type HowLost = "gone" | "replaced" | "shortened";

/** The log ends before a batch that was acknowledged: what came after has been lost from it. */
export class LogShortened extends Error {
  override readonly name = "LogShortened";
  constructor(
    end: { readonly sequence: number; readonly revision: number },
    acknowledged: { readonly sequence: number; readonly revision: number },
  ) {
    super(
      `the log ends at sequence ${end.sequence}, revision ${end.revision}, but was acknowledged up to sequence ${acknowledged.sequence}, revision ${acknowledged.revision}`,
    );
  }
}

/** There is no such log, and none was to be made. */
export class LogMissing extends Error {
  override readonly name = "LogMissing";
  constructor(log: string) {
    super(`there is no log ${log}`);
  }
}

/** The log no longer holds a batch that a reader needs. */
export class LogCut extends Error {
  override readonly name = "LogCut";
  /** The batch that the log goes on with. */
  readonly found: number;
  constructor(wanted: number, found: number) {
    super(`batch ${wanted} is no longer in the log, which goes on with ${found}`);
    this.found = found;
  }
}
