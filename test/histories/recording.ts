import type { ObjectText } from "../../actors/kinds/text.ts";
import { createStoreClient } from "../../actors/store/client.ts";
import { StoreUnavailable } from "../../actors/store/errors.ts";
import { sleep } from "../../actors/store/follow.ts";
import type { Mutation, Outcome, StoreClient } from "../../actors/store/transaction.ts";
import type { Change, View } from "../../actors/store/view.ts";
import type { WriterMessage } from "../../actors/store/writer.ts";
import { WRITER_ADDRESS } from "../../actors/store/writer.ts";
import type { Clock, Messenger, Random } from "../../runtime/mod.ts";
import { AskFailed } from "../../runtime/mod.ts";
import { textOf } from "../actors/store/harness.ts";
import type { Answer, Found, Operation, Request } from "./operation.ts";
import type { Seen, WatchedChange, WatchRecord } from "./watch-guarantees.ts";

/** How long an impatient client waits for its only attempt. */
const IMPATIENT_MS = 300;
/** After it got no answer a client rests: every such write doubles what a history may mean. */
const REST_MS = 100;

interface Write {
  readonly key: string;
  readonly request: Exclude<Request, { op: "read" }>;
}

export interface RecordedStore {
  readonly view: View;
  readonly messenger: Messenger;
  readonly clock: Clock;
  readonly random: Random;
}

/** The value that `textOf` put into a text. */
export function storedValue(text: ObjectText): string {
  return /"labels":\{"value":"([^"]*)"/.exec(text)?.[1] ?? "";
}

/**
 * A client that works one operation after another on a few keys and keeps a history. A patient one asks until there is an answer, under
 * one request id, as Troupe's own clients do; an impatient one asks once, so that many of its answers are lost.
 */
export class RecordingClient {
  readonly #name: string;
  readonly #store: RecordedStore;
  readonly #keys: () => readonly string[];
  readonly #client: StoreClient;
  readonly #now: () => number;
  readonly #operations: Operation[] = [];
  #made = 0;

  /** `now` is a clock that all clients of a history share; `keys` are those of the moment. */
  constructor(name: string, store: RecordedStore, options: { keys: () => readonly string[]; patient: boolean; now: () => number }) {
    this.#name = name;
    this.#store = store;
    this.#keys = options.keys;
    this.#now = options.now;
    this.#client = options.patient ? createStoreClient({ ...store, address: WRITER_ADDRESS }) : this.#impatientClient();
  }

  /** What it did so far; what is under way is there without answer. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /** One operation, of whatever kind. */
  async work(): Promise<void> {
    const { random } = this.#store;
    const keys = this.#keys();
    const key = keys[random.below(keys.length)] ?? "";
    const choice = random.below(10);
    if (choice < 3) return this.#read(key);
    const other = choice === 3 ? keys.find((each) => each !== key) : undefined;
    return other === undefined ? this.#write(this.#change(key)) : this.#write(this.#change(key), this.#change(other));
  }

  #change(key: string): Write {
    const { random, view } = this.#store;
    const value = `${this.#name}.${this.#made++}`;
    const now = view.entry(key)?.revision;
    const choice = random.below(10);
    if (now === undefined || choice === 0) return { key, request: { op: "create", value } };
    // Sometimes of old knowledge.
    const expect = random.below(8) === 0 ? Math.max(1, now - random.below(20)) : now;
    return { key, request: choice < 8 ? { op: "update", expect, value } : { op: "delete", expect } };
  }

  async #write(...writes: readonly Write[]): Promise<void> {
    const transaction = { request: `${this.#name}/${this.#made++}`, mutations: writes.map(mutationOf) };
    const called = this.#now();
    // Whoever dies now leaves behind what may have happened.
    const first = this.#operations.length;
    for (const { key, request } of writes) this.#operations.push(this.#operation(key, called, request, undefined));
    const outcome = await this.#answered(() => this.#client.propose(transaction));
    if (outcome === undefined) return;
    const answers = writes.map(({ key, request }, index) => this.#operation(key, called, request, answerOf(outcome, index)));
    // What stands beside a conflict did not happen.
    const told = answers.filter((_, index) => outcome.committed || outcome.index === index);
    this.#operations.splice(first, writes.length, ...told);
  }

  async #read(key: string): Promise<void> {
    const { view } = this.#store;
    const called = this.#now();
    const revision = await this.#answered(() => this.#client.committedRevision());
    // A read without answer tells nothing and does nothing.
    if (revision === undefined || (await this.#answered(() => view.until(revision).then(() => true))) === undefined) return;
    const entry = view.entry(key);
    const found: Found | undefined = entry === undefined ? undefined : { revision: entry.revision, value: storedValue(entry.text) };
    this.#operations.push(this.#operation(key, called, { op: "read" }, { type: "read", at: view.revision, found }));
  }

  #operation(key: string, called: number, request: Request, answer: Answer | undefined): Operation {
    const returned = answer === undefined ? Number.POSITIVE_INFINITY : this.#now();
    return { client: this.#name, key, called, returned, request, answer };
  }

  /** The answer; undefined when none came. */
  async #answered<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof AskFailed || error instanceof StoreUnavailable)) throw error;
      await sleep(this.#store.clock, REST_MS);
      return undefined;
    }
  }

  #impatientClient(): StoreClient {
    const { messenger, view } = this.#store;
    const once = <Answered>(message: WriterMessage): Promise<Answered> =>
      messenger.ask<Answered>(WRITER_ADDRESS, message, { deadline_ms: IMPATIENT_MS });
    return {
      propose: (transaction) => once<Outcome>({ type: "propose", transaction, since: view.revision }),
      committedRevision: () => once<number>({ type: "committedRevision" }),
    };
  }
}

function mutationOf({ key, request }: Write): Mutation {
  if (request.op === "delete") return { op: "delete", key, expect: request.expect };
  const text = textOf(key, request.value);
  return request.op === "create" ? { op: "create", key, text } : { op: "update", key, expect: request.expect, text };
}

function answerOf(outcome: Outcome, index: number): Answer {
  return outcome.committed ? { type: "committed", revision: outcome.revision + index } : { type: "conflict", actual: outcome.actual };
}

/** A watcher of a view that stops and resumes at random, sometimes from a revision further back. */
export class RecordingWatcher {
  readonly #name: string;
  readonly #view: View;
  readonly #resource: string;
  readonly #random: Random;
  readonly #seen: Seen[] = [];
  #piece: WatchedChange[] = [];
  #newest: number;
  #cancel: () => void = () => {};

  constructor(name: string, view: View, resource: string, random: Random) {
    this.#name = name;
    this.#view = view;
    this.#resource = resource;
    this.#random = random;
    this.#newest = view.revision;
    this.#start(view.revision);
    const batches = view.afterBatch(() => this.#endPiece());
    this.close = () => {
      this.#cancel();
      batches.cancel();
    };
  }

  /** Ends it; what it has seen stays. */
  readonly close: () => void;

  /** Breaks the watch off and resumes it. */
  resume(): void {
    this.#cancel();
    this.#start(Math.max(0, this.#newest - (this.#random.below(3) === 0 ? this.#random.below(50) : 0)));
  }

  /** What it has seen; all up to this revision, which the view must have reached. */
  record(revision: number): WatchRecord {
    const seen: Seen[] = [...this.#seen, { type: "bookmark", revision }];
    return { watcher: this.#name, takes: (key) => key.startsWith(`${this.#resource}/`), pieces: true, seen };
  }

  #start(since: number): void {
    this.#seen.push({ type: "started", since });
    const subscription = this.#view.watch(this.#resource, since, (change) => this.#hear(change));
    this.#endPiece();
    this.#cancel = () => subscription.cancel();
  }

  #hear({ now, before, revision }: Change): void {
    const type = now === undefined ? "deleted" : before === undefined ? "created" : "updated";
    const value = now === undefined ? undefined : storedValue(now.text);
    this.#piece.push({ revision, key: now?.key ?? before?.key ?? "", type, value });
    this.#newest = revision;
  }

  #endPiece(): void {
    if (this.#piece.length > 0) this.#seen.push({ type: "events", events: this.#piece });
    this.#piece = [];
  }
}
