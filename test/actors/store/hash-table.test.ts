import fc from "fast-check";
import { expect, test } from "vitest";
import { HashTable, hashOf } from "../../../actors/store/hash-table.ts";

interface Item {
  readonly key: string;
}

/** Few keys, so that the same ones come and go; some of them alike. */
const anyKey = fc.oneof(
  fc.nat(40).map((n) => `pods/a/p${n}`),
  fc.string({ maxLength: 3 }),
);
const anyStep = fc.record({ key: anyKey, remove: fc.boolean() });

test("does what a Map does, whatever is added and taken out", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 400 }), (steps) => {
      const table = new HashTable<Item>(({ key }) => key);
      const model = new Map<string, Item>();
      for (const { key, remove } of steps) {
        expect(table.find(key)).toBe(model.get(key));
        if (remove) {
          table.remove(key);
          model.delete(key);
        } else if (!model.has(key)) {
          const item = { key };
          table.add(item);
          model.set(key, item);
        }
        expect(table.size).toBe(model.size);
      }
      for (const [key, item] of model) expect(table.find(key)).toBe(item);
      expect(new Set(table.values())).toEqual(new Set(model.values()));
    }),
  );
});

test("keys with the same hash are told apart", () => {
  const [a, b] = sameHash();
  const table = new HashTable<Item>(({ key }) => key);
  table.add({ key: a });
  expect(table.find(b)).toBeUndefined();
  table.add({ key: b });
  table.remove(a);
  expect(table.find(a)).toBeUndefined();
  expect(table.find(b)).toEqual({ key: b });
});

test("who looks through all sees each item that stays, once, though the table grows and shrinks meanwhile", () => {
  const table = new HashTable<Item>(({ key }) => key);
  for (let i = 0; i < 100; i++) table.add({ key: `stays/${i}` });
  for (let i = 0; i < 100; i++) table.add({ key: `goes/${i}` });
  const seen: string[] = [];
  let at = 0;
  for (const { key } of table.values()) {
    if (key.startsWith("stays")) seen.push(key);
    if (at < 100) table.remove(`goes/${at}`);
    for (let i = 0; i < 10 && at < 200; i++) table.add({ key: `comes/${at}/${i}` });
    at++;
  }
  expect(seen.sort()).toEqual(Array.from({ length: 100 }, (_, i) => `stays/${i}`).sort());
});

/** Two different keys with one hash: some 80,000 tries by the birthday paradox. */
function sameHash(): readonly [string, string] {
  const byHash = new Map<number, string>();
  for (let i = 0; i < 1_000_000; i++) {
    const key = `k${i}`;
    const hash = hashOf(key);
    const other = byHash.get(hash);
    if (other !== undefined) return [other, key];
    byHash.set(hash, key);
  }
  throw new Error("no two keys have one hash");
}
