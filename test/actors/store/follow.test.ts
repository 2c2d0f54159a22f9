import { expect, test } from "vitest";
import { BatchBuilder } from "../../../actors/store/batch-builder.ts";
import { follow } from "../../../actors/store/follow.ts";
import { FETCHED_MAX, HANDED_OVER_MIN } from "../../../actors/store/limits.ts";
import type { OnBatch, Reading } from "../../../actors/store/log.ts";
import { LogCut } from "../../../actors/store/log.ts";
import { MemoryLog } from "../../../actors/store/memory-log.ts";
import { Replica } from "../../../actors/store/replica.ts";
import { silentLogger, virtualClock } from "../../../runtime/mod.ts";
import { create } from "./harness.ts";

const clock = virtualClock();

function batch(firstRevision: number): ReturnType<BatchBuilder["finish"]> {
  const builder = new BatchBuilder();
  builder.begin(firstRevision);
  builder.add({ request: `r${firstRevision}`, mutations: [create(`pods/a/p${firstRevision}`)] }, 1_000_000);
  return builder.finish();
}

/** Counts what is read in full. */
class CountingLog extends MemoryLog {
  sent = 0;
  fetched = 0;
  override read(from: number, onBatch: OnBatch): Reading {
    return super.read(from, (sequence, bytes) => {
      this.sent++;
      onBatch(sequence, bytes);
    });
  }
  override announce(from: number, onSequence: (sequence: number) => void): Reading {
    return super.read(from, onSequence);
  }
  override get(sequence: number): Promise<Uint8Array | undefined> {
    this.fetched++;
    return super.get(sequence);
  }
}

test("beside the writer a log only announces: what was handed over is not read again, what was not is fetched", async () => {
  const log = new CountingLog();
  await log.append(batch(1).bytes, 0);
  const replica = new Replica({ clock, log: silentLogger });
  const follower = follow({ log, replica, clock, logger: silentLogger, besideWriter: true });
  await follower.ready;
  await clock.run(0);
  expect([replica.revision, log.sent]).toEqual([1, 1]);

  const own = batch(2);
  await log.append(own.bytes, 1);
  replica.apply(2, own);
  await clock.run(1_000);
  expect([replica.revision, log.sent, log.fetched]).toEqual([2, 1, 0]);

  await log.append(batch(3).bytes, 2);
  await log.append(batch(4).bytes, 3);
  await clock.run(1_000);
  expect([replica.revision, log.sent, log.fetched]).toEqual([4, 1, 2]);
  expect(replica.entry("pods/a/p4")?.revision).toBe(4);
  follower.stop();
  await follower.done;
});

test("where the writer moves away from the log is read again, and only announces once the writer is back", async () => {
  const log = new CountingLog();
  const replica = new Replica({ clock, log: silentLogger });
  const follower = follow({ log, replica, clock, logger: silentLogger, besideWriter: true });
  await follower.ready;
  await clock.run(0);
  /** Batches of a writer that is elsewhere, or here and hands them over. */
  const written = async (count: number, here: boolean): Promise<void> => {
    for (let left = count; left > 0; left--) {
      const next = batch(replica.revision + 1);
      if (here) replica.apply(replica.sequence + 1, next);
      await log.append(next.bytes, next.firstRevision - 1);
      await clock.run(1_000);
    }
  };
  await written(FETCHED_MAX + 3, false);
  expect([replica.revision, log.fetched, log.sent]).toEqual([FETCHED_MAX + 3, FETCHED_MAX, 3]);
  await written(HANDED_OVER_MIN, true);
  log.sent = 0;
  await written(5, true);
  expect([log.fetched, log.sent]).toEqual([FETCHED_MAX, 0]);
  follower.stop();
  await follower.done;
});

/** Says of one sequence that it is gone, the first time that it is announced. */
class PurgedLog extends MemoryLog {
  gone = 0;
  override announce(from: number, onSequence: (sequence: number) => void): Reading {
    return super.read(from, (sequence) => {
      if (sequence !== this.gone) onSequence(sequence);
      else {
        this.gone = 0;
        throw new LogCut(sequence, sequence + 1);
      }
    });
  }
}

test.each([
  ["what the writer handed over is gone from the log: nothing is missed", true],
  ["what nobody handed over is gone from the log: there is a gap", false],
])("beside the writer, %s", async (_what, handedOver) => {
  const log = new PurgedLog();
  const replica = new Replica({ clock, log: silentLogger });
  const follower = follow({ log, replica, clock, logger: silentLogger, besideWriter: true });
  await follower.ready;
  await clock.run(0);
  log.gone = 1;
  const [own, next] = [batch(1), batch(2)];
  if (handedOver) replica.apply(1, own);
  await log.append(own.bytes, 0);
  await clock.run(1_000);
  await log.append(next.bytes, 1);
  await clock.run(1_000);
  if (handedOver) {
    expect(replica.revision).toBe(2);
    follower.stop();
    await follower.done;
  } else {
    await expect(follower.done).rejects.toThrow(LogCut);
    expect(replica.revision).toBe(0);
  }
});

test("a batch that cannot be read ends the following with its fault", async () => {
  const log = new MemoryLog();
  const replica = new Replica({ clock, log: silentLogger });
  const follower = follow({ log, replica, clock, logger: silentLogger, besideWriter: true });
  await follower.ready;
  await clock.run(0);
  await log.append(new Uint8Array([1, 2, 3]), 0);
  await clock.run(1_000);
  await expect(follower.done).rejects.toThrow(/corrupt at sequence 1/);
});
