import { connect, type NatsConnection } from "nats";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type Entry, memoryRegisters, NatsRegisters, type Registers, systemClock } from "../../../runtime/mod.ts";
import { TestNatsServer } from "../nats-server.ts";

const server = new TestNatsServer(1_048_576, { jetStream: true });
const connections: NatsConnection[] = [];
let buckets = 0;

beforeAll(() => server.start());
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
});
afterAll(() => server.end());

async function overNats(bucket: string): Promise<NatsRegisters> {
  const connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
  connections.push(connection);
  return new NatsRegisters({ connection, bucket, clock: systemClock() });
}

/** What a watcher was told, in order; `current` where it was told that. */
function record(registers: Registers): { told: (Entry | "current")[]; end: () => void } {
  const told: (Entry | "current")[] = [];
  const end = registers.watch({ changed: (entry) => void told.push(entry), current: () => void told.push("current") });
  return { told, end };
}

const values = (told: readonly (Entry | "current")[]): unknown[] => told.map((one) => (one === "current" ? one : one.value));

describe.each([
  [
    "in memory",
    async (): Promise<[Registers, Registers]> => {
      const registers = memoryRegisters();
      return [registers, registers];
    },
  ],
  [
    "in JetStream",
    async (): Promise<[Registers, Registers]> => {
      const bucket = `registers-${buckets++}`;
      return [await overNats(bucket), await overNats(bucket)];
    },
  ],
])("registers %s", (_where, make) => {
  test("a write succeeds exactly when it expects the revision that is there, whoever writes", async () => {
    const [mine, theirs] = await make();
    expect(await mine.write("table", { version: 1 }, 0)).toBe(true);
    expect(await theirs.write("table", { version: 1 }, 0)).toBe(false);
    const { told, end } = record(theirs);
    await vi.waitFor(() => expect(values(told)).toEqual([{ version: 1 }, "current"]));
    const revision = told[0] === "current" ? 0 : (told[0]?.revision ?? 0);
    const both = await Promise.all([mine.write("table", { version: 2 }, revision), theirs.write("table", { version: 3 }, revision)]);
    expect([...both].sort()).toEqual([false, true]);
    expect(await mine.write("lease.a", 1, revision)).toBe(false);
    expect(await mine.write("lease.a", 1, 0), "each register by itself").toBe(true);
    await vi.waitFor(() => expect(values(told).slice(2)).toEqual([{ version: both[0] ? 2 : 3 }, 1]));
    end();
  });

  test("a watch tells what there is, then that this was all, then what is new; an empty one says so at once", async () => {
    const [mine, theirs] = await make();
    const early = record(theirs);
    await vi.waitFor(() => expect(early.told).toEqual(["current"]));
    await mine.write("a", "x", 0);
    await mine.write("b", ["y"], 0);
    await vi.waitFor(() => expect(values(early.told)).toEqual(["current", "x", ["y"]]));
    const late = record(mine);
    await vi.waitFor(() => expect(late.told).toContain("current"));
    expect(values(late.told)).toEqual(["x", ["y"], "current"]);
    early.end();
    late.end();
    await mine.write("c", 1, 0);
    expect(values(late.told)).not.toContain(1);
  });
});

test("when the server was killed and is back, registers hold what they held, and watches go on", async () => {
  const bucket = `registers-${buckets++}`;
  const [mine, theirs] = [await overNats(bucket), await overNats(bucket)];
  const { told, end } = record(theirs);
  expect(await mine.write("table", 1, 0)).toBe(true);
  await vi.waitFor(() => expect(values(told)).toContain(1));
  await server.kill();
  await vi.waitFor(() => expect(mine.write("table", 2, 0)).rejects.toThrow(), 10_000);
  await server.start();
  await vi.waitFor(async () => expect(await mine.write("table", 2, 0)).toBe(false), 10_000);
  const revision = told.reduce((newest, one) => (one === "current" ? newest : Math.max(newest, one.revision)), 0);
  await vi.waitFor(async () => expect(await mine.write("table", 2, revision)).toBe(true), 10_000);
  await vi.waitFor(() => expect(values(told)).toContain(2), 10_000);
  end();
});
