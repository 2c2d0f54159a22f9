import fc from "fast-check";
import { expect, test } from "vitest";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { StoreUnavailable } from "../../../actors/store/errors.ts";
import type { Batch, StoredRecord } from "../../../actors/store/record.ts";
import { Replica } from "../../../actors/store/replica.ts";
import type { Change, Entry } from "../../../actors/store/view.ts";
import { RevisionExpired } from "../../../actors/store/view.ts";
import { silentLogger, virtualClock } from "../../../runtime/mod.ts";
import { textOf } from "./harness.ts";

const KEYS = ["pods/a/x", "pods/a/y", "pods/a-b/x", "pods/b/x", "pods/b/z", "nodes/n1", "nodes/n2"];

interface Step {
  readonly key: string;
  readonly value: string;
  readonly remove: boolean;
}

/** Batches of steps; a step on an absent key creates it, on a present one updates or deletes it. */
const history = fc.array(
  fc.array(fc.record({ key: fc.constantFrom(...KEYS), value: fc.constantFrom("p", "q", "r"), remove: fc.boolean() }), {
    minLength: 1,
    maxLength: 5,
  }),
  { maxLength: 12 },
);

/** What a store is, said as simply as can be: the state after each revision. */
class Model {
  readonly states: Map<string, Entry>[] = [new Map()];
  readonly changes: Change[] = [];

  batch(steps: readonly Step[]): Batch {
    const records: StoredRecord[] = [];
    const firstRevision = this.states.length;
    for (const { key, value, remove } of steps) {
      const revision = this.states.length;
      const state = new Map(this.states[revision - 1]);
      const before = state.get(key);
      const deletes = remove && before !== undefined;
      const text = deletes ? undefined : textOf(key, value);
      if (text === undefined) state.delete(key);
      else state.set(key, { key, revision, text });
      this.states.push(state);
      this.changes.push({ resource: key.slice(0, key.indexOf("/")), revision, now: state.get(key), before });
      records.push({
        op: deletes ? "delete" : before ? "update" : "create",
        key,
        revision,
        stored: text && { text },
        request: `r${revision}`,
      });
    }
    return { firstRevision, lastRevision: this.states.length - 1, records };
  }

  list(revision: number, prefix: string): Entry[] {
    const entries = [...(this.states[revision] ?? [])].map(([, entry]) => entry);
    return entries.filter((entry) => entry.key.startsWith(prefix)).sort((x, y) => (x.key < y.key ? -1 : 1));
  }
}

function newReplica(historyRevisions?: number): Replica {
  const options = { clock: virtualClock(), log: silentLogger, decodedObjects: 3 };
  return new Replica(historyRevisions === undefined ? options : { ...options, historyRevisions });
}

function replay(steps: readonly (readonly Step[])[], replica: Replica): Model {
  const model = new Model();
  steps.forEach((batch, i) => {
    expect(replica.apply(i + 1, model.batch(batch))).toBe("applied");
  });
  return model;
}

function labelOf(object: KubeObject): string {
  return object.metadata.labels?.value ?? "";
}

test("lists, now and at every revision, are those of the model", () => {
  fc.assert(
    fc.property(history, fc.boolean(), (steps, listBetween) => {
      const replica = newReplica();
      if (listBetween) replica.afterBatch(() => void replica.list("pods"));
      const model = replay(steps, replica);
      for (let revision = 0; revision < model.states.length; revision++) {
        expect(replica.listAt(revision, "pods")).toEqual(model.list(revision, "pods/"));
        expect(replica.listAt(revision, "pods", "a")).toEqual(model.list(revision, "pods/a/"));
        expect(replica.listAt(revision, "nodes")).toEqual(model.list(revision, "nodes/"));
      }
      expect(replica.list("pods")).toEqual(model.list(replica.revision, "pods/"));
      expect(replica.list("pods", "b")).toEqual(model.list(replica.revision, "pods/b/"));
      expect(replica.count("pods")).toBe(model.list(replica.revision, "pods/").length);
      expect(replica.count("pods", "a")).toBe(model.list(replica.revision, "pods/a/").length);
    }),
  );
});

test("a watch from any revision sees each later change of its resource once and in order, whenever it began", () => {
  fc.assert(
    fc.property(history, fc.nat(), fc.nat(), (steps, from, start) => {
      const replica = newReplica();
      const model = new Model();
      const beginAfter = start % (steps.length + 1);
      const seen: Change[] = [];
      let since = 0;
      steps.forEach((batch, i) => {
        if (i === beginAfter) {
          since = from % (replica.revision + 1);
          replica.watch("pods", since, (change) => void seen.push(change));
        }
        replica.apply(i + 1, model.batch(batch));
      });
      const expected =
        beginAfter === steps.length ? [] : model.changes.filter((change) => change.resource === "pods" && change.revision > since);
      expect(seen).toEqual(expected);
    }),
  );
});

/** Some find one value, some several, and some nothing. */
const INDEXES: Readonly<Record<string, (label: string) => readonly string[]>> = {
  value: (label) => [label],
  several: (label) => (label === "p" ? ["p", "all"] : label === "q" ? ["all", "q"] : ["all"]),
  seldom: (label) => (label === "r" ? ["r"] : []),
};

test("indexes hold what the objects say, whichever are declared before and after", () => {
  fc.assert(
    fc.property(history, fc.subarray(Object.keys(INDEXES)), (steps, before) => {
      const replica = newReplica();
      const declare = (name: string): void =>
        replica.index({ name, resource: "pods", values: (object) => INDEXES[name]?.(labelOf(object)) ?? [] });
      for (const name of before) declare(name);
      const model = replay(steps, replica);
      for (const name of Object.keys(INDEXES)) declare(name);
      const pods = model.list(replica.revision, "pods/").map((entry) => ({ ...entry, label: /"value":"(.)"/.exec(entry.text)?.[1] ?? "" }));
      for (const [name, valuesOf] of Object.entries(INDEXES)) {
        for (const value of ["p", "q", "r", "all"]) {
          const found = replica.byIndex(name, value).map((entry) => entry.key);
          expect(found.sort()).toEqual(pods.filter(({ label }) => valuesOf(label).includes(value)).map(({ key }) => key));
        }
      }
    }),
  );
});

test("decoded objects are those of their entries, however small the cache", () => {
  fc.assert(
    fc.property(history, fc.array(fc.constantFrom(...KEYS), { maxLength: 40 }), (steps, asked) => {
      const replica = newReplica();
      const model = replay(steps, replica);
      for (const key of asked) {
        const entry = model.states.at(-1)?.get(key);
        const object = replica.get(key);
        expect(object?.metadata.resourceVersion).toBe(entry === undefined ? undefined : String(entry.revision));
        expect(object === undefined ? undefined : textOf(key, labelOf(object))).toBe(entry?.text);
      }
    }),
  );
});

test("an object that is asked for again and again is decoded twice, and then remembered", () => {
  const replica = newReplica();
  replay([[{ key: "pods/a/x", value: "p", remove: false }]], replica);
  const once = replica.get("pods/a/x");
  const twice = replica.get("pods/a/x");
  expect(twice).toEqual(once);
  expect(twice).not.toBe(once);
  expect(replica.get("pods/a/x")).toBe(twice);
});

const CREATES = KEYS.map((key) => [{ key, value: "p", remove: false }]);

test("revisions beyond the window are expired, those in it are not", () => {
  const replica = newReplica(3);
  replay(CREATES, replica);
  expect(replica.listAt(4, "pods").map((entry) => entry.key)).toEqual(["pods/a-b/x", "pods/a/x", "pods/a/y", "pods/b/x"]);
  expect(() => replica.listAt(3, "pods")).toThrow(new RevisionExpired(4));
  expect(() => replica.watch("pods", 3, () => {})).toThrow(RevisionExpired);
  expect(() => replica.listAt(8, "pods")).toThrow(RangeError);
});

test("a batch that is known changes nothing, one after a gap waits, one with a gap in its revisions is refused", () => {
  const replica = newReplica();
  const model = new Model();
  const [first, second, third] = CREATES.slice(0, 3).map((steps) => model.batch(steps));
  if (first === undefined || second === undefined || third === undefined) throw new Error("three batches");
  expect(replica.apply(2, second)).toBe("gap");
  expect(replica.apply(1, first)).toBe("applied");
  expect(replica.apply(1, first)).toBe("known");
  expect(() => replica.apply(2, third)).toThrow("begins with revision 3");
  expect(replica.revision).toBe(1);
  expect(replica.apply(2, second)).toBe("applied");
});

test("nobody sees half a batch, and a watch begun while others are told misses and repeats nothing", () => {
  const replica = newReplica();
  const model = new Model();
  const late: number[] = [];
  const seen: [number, number][] = [];
  let begun = false;
  replica.watch("pods", 0, (change) => {
    seen.push([change.revision, replica.count("pods")]);
    if (!begun) {
      begun = true;
      replica.watch("pods", 0, (each) => void late.push(each.revision));
    }
  });
  replica.apply(1, model.batch(KEYS.slice(0, 3).map((key) => ({ key, value: "p", remove: false }))));
  replica.apply(2, model.batch([{ key: "pods/b/x", value: "p", remove: false }]));
  expect(seen).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
    [4, 4],
  ]);
  expect(late).toEqual([1, 2, 3, 4]);
});

test("a watcher that throws is cut off; the others and the batch go on", () => {
  const replica = newReplica();
  const good: number[] = [];
  const batches: number[] = [];
  let bad = 0;
  replica.watch("pods", 0, () => {
    bad++;
    throw new Error("bad watcher");
  });
  replica.watch("pods", 0, (change) => void good.push(change.revision));
  replica.afterBatch((revision) => {
    batches.push(revision);
    if (revision === 2) throw new Error("bad too");
  });
  replay(CREATES.slice(0, 4), replica);
  expect({ bad, good, batches }).toEqual({ bad: 1, good: [1, 2, 3, 4], batches: [1, 2] });
});

test("a cancelled watch is told nothing more, even in the middle of a batch", () => {
  const replica = newReplica();
  const seen: number[] = [];
  const subscription = replica.watch("pods", 0, (change) => {
    seen.push(change.revision);
    subscription.cancel();
  });
  new Model();
  replica.apply(1, new Model().batch(KEYS.slice(0, 3).map((key) => ({ key, value: "p", remove: false }))));
  expect(seen).toEqual([1]);
});

test("a replica without some resources skips them, but not their revisions", () => {
  const replica = new Replica({ clock: virtualClock(), log: silentLogger, without: ["pods"] });
  replay(CREATES, replica);
  expect(replica.revision).toBe(7);
  expect(replica.list("nodes").map((entry) => entry.revision)).toEqual([6, 7]);
  expect(() => replica.list("pods")).toThrow("does not hold pods");
});

test("until resolves when the revision is there and rejects after the deadline", async () => {
  const clock = virtualClock();
  const replica = new Replica({ clock, log: silentLogger });
  const model = new Model();
  const soon = replica.until(2);
  const never = expect(replica.until(9, 500)).rejects.toThrow(StoreUnavailable);
  replica.apply(1, model.batch([{ key: "nodes/n1", value: "", remove: false }]));
  replica.apply(2, model.batch([{ key: "nodes/n2", value: "", remove: false }]));
  await soon;
  await replica.until(1);
  clock.advance(500);
  await never;
  expect(clock.pending()).toBe(0);
});

test("a log that contradicts the state is refused", () => {
  const replica = newReplica();
  const stored = { text: textOf("pods/a/x") };
  const record: StoredRecord = { op: "update", key: "pods/a/x", revision: 1, stored, request: "r" };
  expect(() => replica.apply(1, { firstRevision: 1, lastRevision: 1, records: [record] })).toThrow(
    "would update pods/a/x, which is absent",
  );
});
