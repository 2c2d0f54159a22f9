import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MemoryLog } from "../../../actors/store/memory-log.ts";
import type { Mutation, Outcome } from "../../../actors/store/transaction.ts";
import type { Change, Entry } from "../../../actors/store/view.ts";
import { RevisionExpired } from "../../../actors/store/view.ts";
import { ETCD_MISSING, EtcdServer } from "../../../bench/driver/etcd-server.ts";
import type { Random } from "../../../runtime/mod.ts";
import { seededRandom } from "../../../runtime/mod.ts";
import type { EtcdCompare, EtcdEvent, EtcdWrite } from "./etcd-client.ts";
import { EtcdClient, EtcdError } from "./etcd-client.ts";
import type { TestStore } from "./harness.ts";
import { startStore, textOf } from "./harness.ts";

const SEEDS = [1, 2, 3, 4, 5];
const STEPS = 150;
const HISTORY = 25;
const KEYS = ["pods/a/x", "pods/a/y", "pods/a/z", "pods/b/x", "pods/b/y", "nodes/n1", "nodes/n2"];
const PREFIXES = ["pods/", "pods/a/", "pods/b/", "nodes/"];

/**
 * The same random operations on etcd and on the store. A transaction is one revision in etcd and one for each mutation here, so that every
 * object of Kubernetes has a revision of its own; between them stands a table of where transactions end. The store compacts itself; etcd is
 * told to forget as much before anything old is asked for.
 */
class Pair {
  readonly #etcd: EtcdClient;
  readonly #store: TestStore;
  /** Where transactions end, in both stores. */
  readonly #ends: { readonly ours: number; readonly etcd: number }[] = [];
  /** Keys of etcd of this run begin so: several runs share a server. */
  readonly #root: string;
  readonly #random: Random;
  #compacted = 0;
  #made = 0;
  /** How often each kind of answer was compared. */
  readonly compared = { committed: 0, conflict: 0, range: 0, past: 0, expired: 0, future: 0, watch: 0, cut: 0 };

  private constructor(etcd: EtcdClient, store: TestStore, seed: number, base: number) {
    this.#etcd = etcd;
    this.#store = store;
    this.#root = `run${seed}/`;
    this.#random = seededRandom(seed);
    this.#ends.push({ ours: 0, etcd: base });
  }

  static async of(etcd: EtcdClient, store: TestStore, seed: number): Promise<Pair> {
    const { revision } = await etcd.transact([], [{ put: `start/${seed}`, value: "" }]);
    return new Pair(etcd, store, seed, revision);
  }

  async step(): Promise<void> {
    const choice = this.#random.below(12);
    if (choice < 6) await this.#write(this.#mutations(1));
    else if (choice < 8) await this.#write(this.#mutations(1 + this.#random.below(3)));
    else if (choice < 9) await this.#range(this.#pick(PREFIXES));
    else if (choice < 11) await this.#rangeAt(this.#pick(PREFIXES));
    else await this.#watch(this.#pick(PREFIXES));
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.below(choices.length)] as T;
  }

  #mutations(count: number): Mutation[] {
    const keys = new Set(Array.from({ length: count }, () => this.#pick(KEYS)));
    return [...keys].map((key) => {
      const text = textOf(key, `v${this.#made++}`);
      const now = this.#store.replica.entry(key)?.revision;
      const others = this.#ends.filter(({ etcd }) => now === undefined || etcd !== this.#etcdOf(now));
      const expect = now === undefined || this.#random.below(4) === 0 ? this.#pick(others).ours : now;
      const op = this.#random.below(10);
      if (now === undefined ? op < 8 : op < 1) return { op: "create", key, text };
      return op < 7 ? { op: "update", key, text, expect } : { op: "delete", key, expect };
    });
  }

  async #write(mutations: readonly Mutation[]): Promise<void> {
    const outcome = await this.#store.client.propose({ request: `${this.#root}${this.#made++}`, mutations });
    const compares = mutations.map((mutation): EtcdCompare => {
      return { key: this.#root + mutation.key, modified: mutation.op === "create" ? 0 : this.#etcdOf(mutation.expect) };
    });
    const writes = mutations.map((mutation): EtcdWrite => {
      const key = this.#root + mutation.key;
      return mutation.op === "delete" ? { delete: key } : { put: key, value: mutation.text };
    });
    const answer = await this.#etcd.transact(compares, writes);
    expect(answer.succeeded).toBe(outcome.committed);
    if (outcome.committed) this.#committed(outcome, mutations.length, answer.revision);
    else {
      const index = compares.findIndex(({ modified }, i) => (answer.actual[i] ?? 0) !== modified);
      const actual = outcome.actual === undefined ? undefined : this.#etcdOf(outcome.actual);
      expect({ index, actual: answer.actual[index] }).toEqual({ index: outcome.index, actual });
      this.compared.conflict++;
    }
  }

  #committed({ revision }: Outcome & { committed: true }, count: number, etcd: number): void {
    const last = this.#ends.at(-1) as { ours: number; etcd: number };
    // Relative revisions: each transaction is the next in both.
    expect({ ours: revision, etcd }).toEqual({ ours: last.ours + 1, etcd: last.etcd + 1 });
    this.#ends.push({ ours: revision + count - 1, etcd });
    this.compared.committed++;
  }

  /** The revision of etcd for one of ours. */
  #etcdOf(ours: number): number {
    return this.#ends.find((end) => end.ours >= ours)?.etcd ?? Number.NaN;
  }

  async #range(prefix: string): Promise<void> {
    expect(this.#entries(this.#list(prefix, undefined))).toEqual(await this.#etcd.range(this.#root + prefix).then(named(this.#root)));
    this.compared.range++;
  }

  #list(prefix: string, revision: number | undefined): readonly Entry[] {
    const [resource = "", namespace] = prefix.split("/").filter((part) => part !== "");
    const { replica } = this.#store;
    return revision === undefined ? replica.list(resource, namespace) : replica.listAt(revision, resource, namespace);
  }

  #entries(entries: readonly Entry[]): object[] {
    return entries.map(({ key, text, revision }) => ({ key, value: text, modified: this.#etcdOf(revision) }));
  }

  async #rangeAt(prefix: string): Promise<void> {
    await this.#compact();
    // The last choice lies in the future.
    const at = this.#random.below(Math.min(this.#ends.length, HISTORY + 10) + 1);
    const end = this.#ends[this.#ends.length - at];
    const newest = this.#ends.at(-1) as { ours: number; etcd: number };
    const { ours, etcd } = end ?? { ours: newest.ours + 1, etcd: newest.etcd + 1 };
    const there = await this.#etcd.range(this.#root + prefix, etcd).then(named(this.#root), told);
    const here = await Promise.resolve()
      .then(() => this.#entries(this.#list(prefix, ours)))
      .catch(told);
    expect(here).toEqual(there);
    this.compared[here === "compacted" ? "expired" : here === "future" ? "future" : "past"]++;
  }

  async #watch(prefix: string): Promise<void> {
    // So that there is something to wait for.
    const sentinel = `${prefix}${prefix === "pods/" ? "a/" : ""}s${this.#made++}`;
    await this.#write([{ op: "create", key: sentinel, text: textOf(sentinel) }]);
    const last = this.#ends.at(-1) as { ours: number; etcd: number };
    await this.#compact();
    const kept = this.#ends.findIndex(({ ours }) => ours >= this.#compacted);
    const from = this.#random.below(this.#ends.length - 1);
    // etcd lets a watch begin with the revision that it was compacted at, though of its deletions it then knows no more.
    if (from === kept - 1 && kept > 0) return;
    const since = this.#ends[from] as { ours: number; etcd: number };
    const [resource = ""] = prefix.split("/");
    const there = await this.#etcd.watch(this.#root + prefix, since.etcd + 1, last.etcd).then(named(this.#root), told);
    const events: EtcdEvent[] = [];
    const here = await Promise.resolve()
      .then(() => this.#store.replica.watch(resource, since.ours, (change) => void events.push(this.#eventOf(change))))
      .then((subscription) => subscription.cancel(), told);
    expect(here ?? events.filter(({ key }) => key.startsWith(prefix))).toEqual(there);
    this.compared[here === "compacted" ? "cut" : "watch"]++;
  }

  #eventOf({ now, before, revision }: Change): EtcdEvent {
    const type = now === undefined ? "deleted" : before === undefined ? "created" : "updated";
    return { type, key: now?.key ?? before?.key ?? "", value: now?.text, revision: this.#etcdOf(revision) };
  }

  /** Has etcd forget what the store has forgotten. */
  async #compact(): Promise<void> {
    const start = this.#store.replica.revision - HISTORY;
    const end = this.#ends.find(({ ours }) => ours >= start);
    if (start <= 0 || end === undefined || end.ours <= this.#compacted) return;
    this.#compacted = end.ours;
    await this.#etcd.compact(end.etcd);
    await expect(this.#etcd.compact(end.etcd)).rejects.toThrow("required revision has been compacted");
  }
}

/** What etcd tells, without the run's prefix and what the store does not say. */
function named<Told extends { readonly key: string }>(root: string): (all: readonly Told[]) => object[] {
  return (all) =>
    all.map((each) => {
      const { created: _, ...rest } = { created: 0, ...each };
      return { ...rest, key: each.key.slice(root.length) };
    });
}

/** Both stores' ways to refuse. */
function told(error: unknown): "compacted" | "future" {
  if (error instanceof RevisionExpired || (error instanceof EtcdError && /compacted/.test(error.message))) return "compacted";
  if (error instanceof RangeError || (error instanceof EtcdError && /future revision/.test(error.message))) return "future";
  throw error;
}

describe.skipIf(ETCD_MISSING !== undefined)(`as etcd${ETCD_MISSING === undefined ? "" : ` (skipped: ${ETCD_MISSING})`}`, () => {
  let server: EtcdServer;
  let etcd: EtcdClient;
  beforeAll(async () => {
    server = await EtcdServer.start();
    etcd = new EtcdClient(server.url);
  });
  afterAll(async () => {
    await etcd?.close();
    await server?.remove();
  });

  test("writes, compare-and-set, transactions, ranges now and then, watches and compaction give the same answers", async () => {
    const total: Record<string, number> = {};
    for (const seed of SEEDS) {
      const store = startStore({ log: new MemoryLog(), historyRevisions: HISTORY });
      const pair = await Pair.of(etcd, store, seed);
      for (let step = 0; step < STEPS; step++) await pair.step();
      await store.stop();
      for (const [what, count] of Object.entries(pair.compared)) total[what] = (total[what] ?? 0) + count;
    }
    // Every kind of answer came up.
    for (const [what, count] of Object.entries(total)) expect(count, what).toBeGreaterThan(3);
  });
});
