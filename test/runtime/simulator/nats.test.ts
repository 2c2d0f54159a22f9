import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../../runtime/mod.ts";
import type { Happening } from "../../../runtime/simulator/mod.ts";
import { type Connection, SimulatedNats } from "../../../runtime/simulator/nats.ts";
import { Schedule } from "../../../runtime/simulator/schedule.ts";

interface Owner {
  readonly host: string;
  readonly life: number;
  alive: boolean;
  paused: boolean;
}

/** Three clients of one server, each with what it heard. */
function threeClients(seed: number) {
  const schedule = new Schedule();
  const lost: Happening[] = [];
  const nats = new SimulatedNats(schedule, seededRandom(seed), (happening) => {
    if (happening.what === "frame lost") lost.push(happening);
  });
  const clients = ["a", "b", "c"].map((host) => {
    const owner: Owner = { host, life: 1, alive: true, paused: false };
    const connection = nats.connect(owner);
    const heard: string[] = [];
    const callback = (
      _error: Error | null,
      { subject, data, headers }: { subject: string; data: Uint8Array; headers?: { code: number } | undefined },
    ) => void heard.push(headers === undefined ? String(data) : `${headers.code} ${subject}`);
    connection.subscribe(`x.host.${host}`, { callback });
    connection.subscribe(`x.lost.${host}.*`, { callback });
    return { owner, connection, heard };
  });
  const run = (until_ms = Number.POSITIVE_INFINITY): void => {
    for (let step = schedule.next(until_ms); step !== undefined; step = schedule.next(until_ms)) step.fire();
  };
  run();
  const [a, b, c] = clients;
  if (a === undefined || b === undefined || c === undefined) throw new Error("three clients were made");
  return { schedule, nats, a, b, c, lost, run };
}

function send(from: Connection, to: string, ...bytes: number[]): void {
  from.publish(`x.host.${to}`, new Uint8Array(bytes), { reply: `x.lost.${from.owner.host}.${to}` });
}

test("what one client sends another arrives in order, whatever the delays, and some of it once more; between pairs the order may change", () => {
  const orders = new Set<string>();
  let twice = false;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const { a, b, c, run } = threeClients(seed);
      for (let n = 0; n < 20; n++) send(n % 2 === 0 ? a.connection : b.connection, "c", n);
      run();
      const first = [...new Set(c.heard.map(Number))];
      const from = (rest: number) => first.filter((n) => n % 2 === rest);
      expect(from(0)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
      expect(from(1)).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
      orders.add(first.join());
      twice ||= c.heard.length > first.length;
    }),
  );
  expect(twice).toBe(true);
  expect(orders.size).toBeGreaterThan(10);
});

test("a sender hears that nobody listens", () => {
  const { a, run, lost } = threeClients(1);
  send(a.connection, "nobody", 1);
  run();
  expect(a.heard).toEqual(["503 x.lost.a.nobody"]);
  expect(lost).toMatchObject([{ from: "a", why: "nobody listens" }]);
});

test("a connection that breaks loses what is on its way, and is made anew with its subscriptions", () => {
  const { schedule, nats, a, b, run, lost } = threeClients(1);
  send(a.connection, "b", 1);
  nats.break("b", 1_000, 500);
  run(schedule.now_ms + 100);
  send(a.connection, "b", 2);
  run(schedule.now_ms + 600);
  send(a.connection, "b", 3);
  send(b.connection, "a", 4);
  run();
  expect(b.heard).toEqual([]);
  expect(a.heard, "the server knows by now that b is gone").toEqual(["503 x.lost.a.b"]);
  expect(lost.map((happening) => (happening.what === "frame lost" ? happening.why : ""))).toEqual([
    "receiver not connected",
    "receiver not connected",
    "sender not connected",
    "nobody listens",
  ]);
  nats.mend("b");
  run();
  send(a.connection, "b", 5);
  run();
  expect(b.heard).toEqual(["5"]);
});

test("a partition loses one way and says nothing", () => {
  const { nats, a, b, run } = threeClients(1);
  nats.cut("a", "b", 1);
  send(a.connection, "b", 1);
  send(b.connection, "a", 2);
  run();
  expect([a.heard, b.heard]).toEqual([["2"], []]);
  nats.cut("a", "b", -1);
  send(a.connection, "b", 3);
  run();
  expect(b.heard).toEqual(["3"]);
});

test("a paused client hears all later, in order; a dead one nothing", () => {
  const { schedule, a, b, c, run, lost } = threeClients(1);
  b.owner.paused = true;
  c.owner.alive = false;
  for (let n = 0; n < 5; n++) send(a.connection, "b", n);
  send(a.connection, "c", 9);
  run();
  expect(b.heard).toEqual([]);
  b.owner.paused = false;
  schedule.release(b.owner);
  run();
  expect(b.heard).toEqual(["0", "1", "2", "3", "4"]);
  expect(lost).toMatchObject([{ why: "receiver ended" }]);
});
