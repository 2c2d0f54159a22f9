import fc from "fast-check";
import { expect, test } from "vitest";
import { managersText, type ObjectText, type StoredText } from "../../../actors/kinds/text.ts";
import { BatchBuilder } from "../../../actors/store/batch-builder.ts";
import { CorruptBatch, decodeBatch } from "../../../actors/store/record.ts";
import type { Mutation, Transaction } from "../../../actors/store/transaction.ts";
import { create, remove, update } from "./harness.ts";

const ROOM = Number.MAX_SAFE_INTEGER;

const key = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }).map((name) => `pods/default/${name}`);
const stored: fc.Arbitrary<StoredText> = fc.oneof(
  fc.record({ text: fc.string({ unit: "binary", maxLength: 300 }).map((value) => value as ObjectText) }),
  fc.record({
    managers: fc.string({ unit: "binary", maxLength: 100 }).map((manager) => managersText(JSON.stringify([{ manager }]))),
    text: fc.string({ unit: "binary", maxLength: 300 }).map((value) => `"name":${value}` as ObjectText),
  }),
);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(fc.record({ op: fc.constant("create" as const), key }), stored).map(([one, its]) => ({ ...one, ...its })),
  fc.tuple(fc.record({ op: fc.constant("update" as const), key, expect: fc.nat() }), stored).map(([one, its]) => ({ ...one, ...its })),
  fc.record({ op: fc.constant("delete" as const), key, expect: fc.nat() }),
);
const transaction: fc.Arbitrary<Transaction> = fc.record({
  request: fc.string({ minLength: 1, maxLength: 40 }),
  mutations: fc.array(mutation, { minLength: 1, maxLength: 4 }),
});
const transactions = fc.array(transaction, { minLength: 1, maxLength: 6 });

function build(list: readonly Transaction[], firstRevision: number, compressBytesMin: number) {
  const builder = new BatchBuilder(compressBytesMin);
  builder.begin(firstRevision);
  for (const each of list) builder.add(each, ROOM);
  return builder.finish();
}

test.each([
  ["plain", ROOM],
  ["compressed", 0],
])("what was packed comes back, %s", (_name, compressBytesMin) => {
  fc.assert(
    fc.property(transactions, fc.integer({ min: 1, max: 2 ** 50 }), (list, firstRevision) => {
      const built = build(list, firstRevision, compressBytesMin);
      const batch = decodeBatch(9, built.bytes);
      const expected = list.flatMap(({ request, mutations }) =>
        mutations.map((each, i) => ({
          op: each.op,
          key: each.key,
          stored: each.op === "delete" ? undefined : { text: each.text, managers: each.managers },
          request: i === 0 ? request : undefined,
        })),
      );
      expect(batch.records).toEqual(expected.map((record, i) => ({ ...record, revision: firstRevision + i })));
      expect(batch).toEqual({ firstRevision, lastRevision: firstRevision + expected.length - 1, records: built.records });
    }),
  );
});

test.each([
  ["plain", ROOM],
  ["compressed", 0],
])("a flipped bit anywhere is found and its place is named, %s", (_name, compressBytesMin) => {
  fc.assert(
    fc.property(transactions, fc.nat(), fc.integer({ min: 0, max: 7 }), (list, place, bit) => {
      const bytes = Buffer.from(build(list, 1, compressBytesMin).bytes);
      const at = place % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      expect(() => decodeBatch(42, bytes)).toThrow(CorruptBatch);
      expect(() => decodeBatch(42, bytes)).toThrow(/at sequence 42, (batch header|record \d+): ./);
    }),
    { numRuns: 500 },
  );
});

test("a batch cut off anywhere, or with something behind it, is found", () => {
  const bytes = build([{ request: "r", mutations: [create("pods/a/b", "x"), remove("pods/a/c", 3)] }], 7, ROOM).bytes;
  for (let length = 0; length < bytes.length; length++) expect(() => decodeBatch(1, bytes.subarray(0, length))).toThrow(CorruptBatch);
  expect(() => decodeBatch(1, Buffer.concat([bytes, Buffer.from([0])]))).toThrow(CorruptBatch);
  expect(decodeBatch(1, bytes).records).toHaveLength(2);
});

test("the corrupt record is the one that is named", () => {
  const bytes = Buffer.from(
    build([{ request: "r", mutations: [create("pods/a/b"), create("pods/a/c"), create("pods/a/d")] }], 1, ROOM).bytes,
  );
  const at = bytes.indexOf('"name":"c"');
  bytes[at + 8] = 0x78;
  expect(() => decodeBatch(5, bytes)).toThrow("the log is corrupt at sequence 5, record 1: checksum does not match");
});

test("the format is what logs on disk hold", () => {
  const mutations = [create("pods/a/é", "x"), update("nodes/n", 2, "y"), remove("pods/a/c", 3)];
  expect(
    Buffer.from(build([{ request: "req-1", mutations }], 2 ** 32 + 5, ROOM).bytes)
      .toString("hex")
      .match(/.{1,96}/g),
  ).toMatchInlineSnapshot(`
    [
      "540100000300000005000000010000000a01000000000000ecf0e1717300000028c544af010509000500000001000000",
      "7265712d31706f64732f612fc3a9226e616d65223a22c3a9222c22756964223a2275222c226372656174696f6e54696d",
      "657374616d70223a22323032362d30312d30315430303a30303a30305a222c226c6162656c73223a7b2276616c756522",
      "3a2278227d7d7d6b0000000f2366180200070006000000010000006e6f6465732f6e226e616d65223a226e222c227569",
      "64223a2275222c226372656174696f6e54696d657374616d70223a22323032362d30312d30315430303a30303a30305a",
      "222c226c6162656c73223a7b2276616c7565223a2279227d7d7d140000006ea02b5a030008000700000001000000706f",
      "64732f612f63",
    ]
  `);
});

test("a transaction that does not fit leaves the batch as it was", () => {
  const builder = new BatchBuilder();
  builder.begin(1);
  expect(builder.add({ request: "a", mutations: [create("pods/a/a")] }, 300)).toBe(true);
  expect(builder.add({ request: "b", mutations: [create("pods/a/b"), create("pods/a/c")] }, 300)).toBe(false);
  expect(builder.nextRevision).toBe(2);
  expect(builder.add({ request: "c", mutations: [create("pods/a/c")] }, 300)).toBe(true);
  expect(decodeBatch(1, builder.finish().bytes).records.map((record) => [record.key, record.request])).toEqual([
    ["pods/a/a", "a"],
    ["pods/a/c", "c"],
  ]);
});

test("texts for unwanted keys are left out", () => {
  const { bytes } = build([{ request: "r", mutations: [create("pods/a/b"), create("events/a/c")] }], 1, ROOM);
  const { records } = decodeBatch(1, bytes, (each) => each.startsWith("pods/"));
  expect(records.map((record) => record.stored !== undefined)).toEqual([true, false]);
});
