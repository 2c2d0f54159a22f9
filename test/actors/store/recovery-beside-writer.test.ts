import { expect, test } from "vitest";
import type { CuttableLog, LogBounds } from "../../../actors/store/log.ts";
import { MemoryLog } from "../../../actors/store/memory-log.ts";
import { recover } from "../../../actors/store/recovery.ts";
import type { Snapshots } from "../../../actors/store/snapshots.ts";
import { silentLogger, virtualClock } from "../../../runtime/mod.ts";
import { create, startStore } from "./harness.ts";

/** A log that somebody writes to right after it was asked where it ends. */
class BusyLog extends MemoryLog implements CuttableLog {
  readonly id = "busy";
  readonly reached = 0;
  readonly cuts: number[] = [];
  end = 0;

  async bounds(): Promise<LogBounds> {
    return { first: 1, last: this.end, bytes: 0 };
  }

  copy(sequence: number): Promise<Uint8Array | undefined> {
    return this.get(sequence);
  }

  async cutBefore(sequence: number): Promise<void> {
    this.cuts.push(sequence);
  }
}

const nothing: Snapshots = {
  list: async () => [],
  frame: async () => undefined,
  store: () => Promise.reject(new Error("nobody stores here")),
  removeAllBut: async () => undefined,
  highWater: async () => undefined,
  setHighWater: async () => undefined,
};

test("a host that reads the store back while another writes takes away nothing of the log", async () => {
  const log = new BusyLog();
  const store = startStore({ log });
  await store.client.propose({ request: "1", mutations: [create("pods/a/first", "{}")] });
  log.end = await log.lastSequence();
  for (const name of ["second", "third"]) await store.client.propose({ request: name, mutations: [create(`pods/a/${name}`, "{}")] });
  const clock = virtualClock();
  const { replica, damages } = await recover({ log, snapshots: nothing, clock, logger: silentLogger, replica: {} });
  expect(replica.sequence).toBeGreaterThan(log.end);
  expect(damages).toEqual([]);
  expect(log.cuts).toEqual([]);
});
