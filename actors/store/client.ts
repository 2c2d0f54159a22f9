import type { Address, Clock, Messenger, Random } from "../../runtime/mod.ts";
import { AskFailed } from "../../runtime/mod.ts";
import { ObjectTooLarge, StoreUnavailable } from "./errors.ts";
import { sleep } from "./follow.ts";
import { PROPOSE_ATTEMPT_MS, PROPOSE_DEADLINE_MS, RETRY_BACKOFF_MAX_MS, RETRY_BACKOFF_MS } from "./limits.ts";
import type { Outcome, StoreClient, Transaction } from "./transaction.ts";
import type { View } from "./view.ts";
import type { WriterMessage } from "./writer.ts";
import { STANDBY_ADDRESSES } from "./writer.ts";

export interface StoreClientOptions {
  readonly messenger: Messenger;
  readonly clock: Clock;
  readonly random: Random;
  /** The writer's, usually WRITER_ADDRESS; when its host cannot be reached, those of STANDBY_ADDRESSES are asked in turn. */
  readonly address: Address;
  /** What this host has seen of the store: a request made now was applied after that, if it was. */
  readonly view: Pick<View, "revision">;
}

/** After these the same request may be asked again: it was not handled, or the writer knows its id. */
const RETRIABLE: ReadonlySet<string> = new Set([
  "deadline",
  "mailbox-full",
  "overloaded",
  "unreachable",
  "unknown-kind",
  "crashed",
  "unavailable",
  "stepped-down",
  "busy",
]);
/** After these another writer is asked: nothing is known of this one but that it is not there. */
const NOT_THERE: ReadonlySet<string> = new Set(["unreachable", "unknown-kind"]);
/** After these the attempt is over and did nothing. Of any other it may still come that it does: late, when all who wait for it have gone. */
const DONE_WITH: ReadonlySet<string> = new Set(["mailbox-full", "overloaded", "unknown-kind", "busy", "stepped-down"]);
/** Nobody knows any more whether the request was applied. */
const FORGOTTEN = "forgotten";
/** The log is not what it was; trying again helps only those who have longer than one request has. */
const LOST = "lost";
const TOO_LARGE: ReadonlySet<string> = new Set(["object-too-large", "too-large"]);

const FIRST_ATTEMPT = { deadline_ms: Math.min(PROPOSE_ATTEMPT_MS, PROPOSE_DEADLINE_MS) };

/** A StoreClient that asks the writer by messages. */
export function createStoreClient(options: StoreClientOptions): StoreClient {
  let question: Promise<number> | undefined;
  return {
    propose: (transaction: Transaction, insists?: () => boolean): Promise<Outcome> =>
      askSurely<Outcome>(options, { type: "propose", transaction, since: options.view.revision }, insists),
    committedRevision(): Promise<number> {
      // A question that has left may be answered with what was before this call, so only those of the same turn join it.
      question ??= Promise.resolve().then(() => {
        question = undefined;
        return askSurely<number>(options, { type: "committedRevision" });
      });
      return question;
    },
  };
}

/** Thousands of questions are on their way at a time, and nearly all are answered at once: what only those need that are not is made when one fails. */
function askSurely<Answer>(options: StoreClientOptions, message: WriterMessage, insists?: () => boolean): Promise<Answer> {
  const end_ms = options.clock.monotonic_ms() + PROPOSE_DEADLINE_MS;
  const answered = options.messenger.ask<Answer>(options.address, message, FIRST_ATTEMPT);
  return answered.catch((error: unknown) => askAgain<Answer>(options, message, end_ms, error, insists));
}

async function askAgain<Answer>(
  options: StoreClientOptions,
  message: WriterMessage,
  end_ms: number,
  failed: unknown,
  insists: () => boolean = () => false,
): Promise<Answer> {
  const { clock } = options;
  const addresses = [options.address, ...STANDBY_ADDRESSES];
  let at = 0;
  let failure = failed;
  let mayComeLate = false;
  for (let pause_ms = RETRY_BACKOFF_MS; ; pause_ms = Math.min(pause_ms * 2, RETRY_BACKOFF_MAX_MS)) {
    const { code, message: why } = retriable(failure);
    if (NOT_THERE.has(code)) at = (at + 1) % addresses.length;
    mayComeLate ||= !DONE_WITH.has(code);
    const jittered_ms = pause_ms * (0.5 + options.random.next() / 2);
    if (clock.monotonic_ms() + jittered_ms >= end_ms && !insists()) {
      throw new StoreUnavailable(`the writer of the store did not answer within ${PROPOSE_DEADLINE_MS} ms: ${why}`, { cause: failure });
    }
    await sleep(clock, jittered_ms);
    try {
      const left_ms = insists() ? PROPOSE_ATTEMPT_MS : Math.max(1, end_ms - clock.monotonic_ms());
      const answer = await options.messenger.ask<Answer>(addresses[at] ?? options.address, message, {
        deadline_ms: Math.min(PROPOSE_ATTEMPT_MS, left_ms),
      });
      if (!(mayComeLate && isConflict(answer))) return answer;
    } catch (error) {
      failure = error;
      continue;
    }
    // Only what was applied is remembered: an attempt that comes late may find that the conflict is gone.
    throw new StoreUnavailable("whether the write happens is not known: an attempt had no answer, and the next met a conflict");
  }
}

function isConflict(answer: unknown): boolean {
  return typeof answer === "object" && answer !== null && (answer as Outcome).committed === false;
}

/** The failure of an ask that may be made again; throws what the others mean to the caller. */
function retriable(error: unknown): AskFailed {
  if (!(error instanceof AskFailed)) throw error;
  if (TOO_LARGE.has(error.code)) throw new ObjectTooLarge(error.message);
  if (error.code === FORGOTTEN) throw new StoreUnavailable(`whether the write happened is not known: ${error.message}`, { cause: error });
  if (error.code === LOST) throw new StoreUnavailable(error.message, { cause: error });
  if (!RETRIABLE.has(error.code)) throw error;
  return error;
}
