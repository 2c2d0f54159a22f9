import fc from "fast-check";
import { expect, test } from "vitest";
import { BatchBuilder } from "../../../actors/store/batch-builder.ts";
import { Replica } from "../../../actors/store/replica.ts";
import { decodeFrame, FRAME_HEADER_BYTES, SnapshotDamaged } from "../../../actors/store/snapshot-frame.ts";
import { decodeSummary, fileOf, loadFrame, SnapshotCheck } from "../../../actors/store/snapshot-loading.ts";
import { type PackedFrame, type PackOptions, packSnapshot, type SnapshotSummary } from "../../../actors/store/snapshot-packing.ts";
import { isDue, type Kept, retentionOf } from "../../../actors/store/snapshot-policy.ts";
import type { Mutation } from "../../../actors/store/transaction.ts";
import { silentLogger, systemClock } from "../../../runtime/mod.ts";
import { create, remove, textOf } from "./harness.ts";

const OPTIONS: PackOptions = { log: "a log", frameBytesMax: 8 * 1024 * 1024 };

function emptyReplica(historyRevisions?: number): Replica {
  return new Replica({ clock: systemClock(), log: silentLogger, ...(historyRevisions === undefined ? {} : { historyRevisions }) });
}

/** Applies each transaction as a batch of its own. */
function apply(replica: Replica, transactions: readonly (readonly Mutation[])[]): Replica {
  const builder = new BatchBuilder();
  for (const mutations of transactions) {
    builder.begin(replica.revision + 1);
    builder.add({ request: `request ${replica.sequence + 1}`, mutations }, Number.POSITIVE_INFINITY);
    replica.apply(replica.sequence + 1, builder.finish());
  }
  return replica;
}

async function pack(replica: Replica, options: PackOptions = OPTIONS): Promise<PackedFrame[]> {
  const frames: PackedFrame[] = [];
  for await (const frame of packSnapshot(await replica.capture(async () => {}), options)) frames.push(frame);
  return frames;
}

type Sink = Pick<Replica, "load" | "loadRequest">;
const NOWHERE: Sink = { load: () => {}, loadRequest: () => {} };

/** Reads a snapshot as one that is loaded is read. */
async function read(frames: readonly { readonly bytes: Buffer }[], into: (summary: SnapshotSummary) => Sink): Promise<SnapshotSummary> {
  const check = new SnapshotCheck();
  const summary = await decodeSummary("it", frames.length - 1, frames.at(-1)?.bytes ?? Buffer.alloc(0));
  const sink = into(summary);
  for (const [index, { bytes }] of frames.slice(0, -1).entries()) {
    const frame = await decodeFrame("it", index, bytes);
    check.take(frame, bytes);
    loadFrame("it", frame, sink);
  }
  check.finish("it", summary);
  return summary;
}

async function load(frames: readonly { readonly bytes: Buffer }[]): Promise<Replica> {
  const replica = emptyReplica();
  const { sequence, revision } = await read(frames, (summary) => {
    replica.requests.reset(summary.requestsSince);
    return replica;
  });
  replica.loaded(sequence, revision);
  return replica;
}

test("what is loaded from a snapshot is what was captured: objects, revisions, requests", async () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,12}$/), { maxLength: 60 });
  const values = fc.array(fc.string({ unit: "grapheme", maxLength: 400 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(names, values, fc.integer({ min: 1500, max: 6000 }), async (names, values, frameBytesMax) => {
      const escaped = (i: number): string => (values[i % values.length] ?? "").replaceAll(/["\\\p{Cc}\p{Cs}]/gu, "_");
      const replica = apply(
        emptyReplica(),
        names.map((name, i) => [create(`${i % 3 === 0 ? "nodes" : "pods/a"}/${name}`, escaped(i))]),
      );
      const [first] = names;
      if (first !== undefined) apply(replica, [[remove(`nodes/${first}`, 1)]]);
      const loaded = await load(await pack(replica, { ...OPTIONS, frameBytesMax }));
      expect([loaded.sequence, loaded.revision]).toEqual([replica.sequence, replica.revision]);
      for (const resource of ["nodes", "pods"]) expect(loaded.list(resource)).toEqual(replica.list(resource));
      for (let sequence = 1; sequence <= replica.sequence; sequence++) {
        const request = `request ${sequence}`;
        expect(loaded.requests.find(request)).toBe(replica.requests.find(request) ?? "lost");
      }
    }),
    { numRuns: 60 },
  );
});

const MANY = 25_000;

/** Changes a replica of MANY pods, some more each time. */
function changer(replica: Replica): () => void {
  let i = 0;
  return () => {
    i++;
    const update = { op: "update", key: `pods/a/p${MANY - i}`, expect: MANY + 1 - i, text: textOf("changed") } as const;
    apply(replica, [
      [remove(`pods/a/p${i}`, i + 1), create(`pods/a/p${i}`, "again")],
      [remove(`pods/a/p${i + 5000}`, i + 5001)],
      [create(`pods/b/q${i}`), create(`nodes/n${i}`)],
      [update],
    ]);
  };
}

test.each([
  ["out of its history", undefined],
  ["at once where the history is too short", 3],
])("a snapshot is of one moment, whatever is written while it is captured and packed: %s", async (_how, historyRevisions) => {
  const replica = emptyReplica(historyRevisions);
  apply(replica, [Array.from({ length: MANY }, (_, i) => create(`pods/a/p${i}`, "x".repeat(50)))]);
  const change = changer(replica);
  let before = replica.list("pods");
  let [revision, sequence] = [replica.revision, replica.sequence];
  const capture = await replica.capture(async () => {
    for (let i = 0; i < 50; i++) change();
    if (historyRevisions !== undefined) [before, revision, sequence] = [replica.list("pods"), replica.revision, replica.sequence];
  });
  expect(replica.revision).toBeGreaterThan(MANY + 100);
  const frames: PackedFrame[] = [];
  for await (const frame of packSnapshot(capture, { ...OPTIONS, frameBytesMax: 64 * 1024 })) {
    frames.push(frame);
    change();
  }
  expect(frames.length).toBeGreaterThan(20);
  const loaded = await load(frames);
  expect([loaded.sequence, loaded.revision]).toEqual([sequence, revision]);
  expect(loaded.list("pods")).toEqual(before);
  expect(loaded.requests.find(`request ${sequence}`)).toBeDefined();
  expect(loaded.requests.find(`request ${sequence + 1}`)).toBeUndefined();
});

test("any flipped bit and any cut is found, and named by its frame", async () => {
  const replica = apply(emptyReplica(), [[create("pods/a/one", "1".repeat(200))], [create("pods/a/two", "2")]]);
  const frames = await pack(replica);
  expect(frames.map(({ kind }) => kind)).toEqual(["objects", "requests", "summary"]);
  for (const [index, { bytes }] of frames.entries()) {
    const withFrame = (changed: Buffer): { readonly bytes: Buffer }[] =>
      frames.map((frame, i) => (i === index ? { bytes: changed } : frame));
    const unfound: number[] = [];
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const error: unknown = await read(withFrame(flipped), () => NOWHERE).catch((reason: unknown) => reason);
      if (!(error instanceof SnapshotDamaged)) unfound.push(bit);
    }
    expect(unfound, `bits of frame ${index}`).toEqual([]);
    for (const length of [0, 1, FRAME_HEADER_BYTES - 1, FRAME_HEADER_BYTES, bytes.length - 1]) {
      await expect(load(withFrame(bytes.subarray(0, length)))).rejects.toThrow(`it is damaged at frame ${index}`);
    }
  }
});

test("a frame that is missing, doubled, out of order or of another snapshot is found", async () => {
  const of = (value: string): Promise<PackedFrame[]> =>
    pack(apply(emptyReplica(), [[create("pods/a/one", value.repeat(3000))], [create("pods/a/two", value.repeat(3000))]]), {
      ...OPTIONS,
      frameBytesMax: 4096,
    });
  const [frames, others] = [await of("1"), await of("2")];
  const [one, two, three, summary] = frames;
  if (one === undefined || two === undefined || three === undefined || summary === undefined) throw new Error("four frames");
  for (const wrong of [
    [two, three, summary],
    [one, two, summary],
    [one, one, two, three, summary],
    [two, one, three, summary],
    [one, others[1] as PackedFrame, three, summary],
    [one, two, three, others[3] as PackedFrame],
    [one, two, three],
    [],
  ]) {
    await expect(load(wrong)).rejects.toThrow(SnapshotDamaged);
  }
});

test("files are carried along whole", async () => {
  const content = Buffer.from([0, 1, 2, 255]);
  const frames = await pack(emptyReplica(), { ...OPTIONS, files: [{ name: "pki/ca.pem", content }] });
  expect(frames.map(({ kind }) => kind)).toEqual(["file", "summary"]);
  expect(fileOf(await decodeFrame("it", 0, frames[0]?.bytes ?? content))).toEqual({ name: "pki/ca.pem", content });
});

test("the format is what snapshots and backups hold", async () => {
  const frames = await pack(apply(emptyReplica(), [[create("pods/a/x")]]), { ...OPTIONS, log: "log" });
  const [objects, requests] = await Promise.all(frames.map(({ bytes }, index) => decodeFrame("it", index, bytes)));
  const text = textOf("pods/a/x");
  expect(objects?.payload.toString("latin1")).toBe(`\x08\0${String.fromCharCode(text.length)}\0\0\0\x01${"\0".repeat(7)}pods/a/x${text}`);
  expect(requests?.payload.toString("latin1")).toBe(`\x09\0\x01${"\0".repeat(7)}request 1`);
  expect(objects?.items).toBe(1);
});

test.each([
  ["nothing happened, however long", { revisions: 0, age_ms: 1e9 }, false],
  ["a window of revisions", { revisions: 100_000, age_ms: 0 }, true],
  ["one less", { revisions: 99_999, age_ms: 299_999 }, false],
  ["one change, some time ago", { revisions: 1, age_ms: 300_000 }, true],
])("a snapshot is due: %s", (_case, since, due) => {
  expect(isDue(since)).toBe(due);
});

const OLD_MS = 300_000;
const GIB = 2 ** 30;
const snapshots = (...revisions: readonly number[]): Kept[] => revisions.map((revision) => ({ revision, age_ms: OLD_MS }));

test.each<[string, Kept[], number, { keep: number[]; cutBehind: number | undefined }]>([
  ["the first: the log is the other copy", snapshots(50), 1, { keep: [0], cutBehind: undefined }],
  ["few revisions: the oldest and the newest", snapshots(50, 60, 70), 1, { keep: [0, 2], cutBehind: undefined }],
  ["a window after the older: the log is cut behind it", snapshots(50, 1_050), 1, { keep: [0, 1], cutBehind: 0 }],
  ["as many as the log is to be cut behind next", snapshots(50, 900, 1_060), 1, { keep: [0, 1, 2], cutBehind: 0 }],
  ["what came before the cut is gone", snapshots(50, 900, 1_060, 2_000), 1, { keep: [1, 2, 3], cutBehind: 1 }],
  ["never behind the newest", snapshots(5_000), 4 * GIB, { keep: [0], cutBehind: undefined }],
  ["a large log, cut although the window is short", snapshots(50, 60, 70), GIB, { keep: [1, 2], cutBehind: 1 }],
  ["but not behind what is young", [{ revision: 50, age_ms: OLD_MS - 1 }, ...snapshots(60)], GIB, { keep: [0, 1], cutBehind: undefined }],
])("what is kept: %s", (_case, kept, logBytes, wanted) => {
  expect(retentionOf(kept, { revision: kept.at(-1)?.revision ?? 0, logBytes }, 1_000)).toEqual(wanted);
});

test("whatever is written, and however often snapshots are taken: the log holds one window to two, and few snapshots are kept", () => {
  const WINDOW = 1_000;
  const step = fc.record({ revisions: fc.integer({ min: 1, max: WINDOW }) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
      let kept: Kept[] = [];
      let revision = 0;
      let cut = 0;
      for (const { revisions } of steps) {
        revision += revisions;
        kept.push({ revision, age_ms: 0 });
        const { keep, cutBehind } = retentionOf(kept, { revision, logBytes: 0 }, WINDOW);
        if (cutBehind !== undefined) cut = kept[cutBehind]?.revision ?? 0;
        kept = keep.map((index) => kept[index] as Kept);
        expect(kept.at(-1)?.revision).toBe(revision);
        // The oldest is what the log is cut behind, so with the log it is a second copy of everything.
        if (cut > 0) expect(kept[0]?.revision).toBe(cut);
        expect(revision - cut >= WINDOW || cut === 0).toBe(true);
        expect(revision - cut).toBeLessThanOrEqual(3 * WINDOW);
        expect(kept.length).toBeLessThanOrEqual(5);
      }
    }),
  );
});
