import { connect, type NatsConnection } from "nats";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { WAITING_COST_MAX, WINDOW_COST } from "../../runtime/link.ts";
import { type AskFailed, addressOf, Directory, Host, type Member, natsTransport, systemClock, systemRandom } from "../../runtime/mod.ts";
import { TestNatsServer } from "./nats-server.ts";
import { kindOf, recordingLog } from "./stage.ts";

type Told =
  | { type: "add"; n: number }
  | { type: "sum" }
  | { type: "echo"; body: unknown }
  | { type: "note"; n: number; body: string }
  | { type: "notes" };

const PAYLOAD_MAX_BYTES = 65_536;
const MEMBERS: Member[] = [
  { host: "back", kinds: ["sum"] },
  { host: "nowhere", kinds: ["lost"] },
];
const sum = addressOf("sum", "x");
const echo = (body: unknown): Told => ({ type: "echo", body });

const server = new TestNatsServer(PAYLOAD_MAX_BYTES);
const connections: NatsConnection[] = [];
const hosts: Host[] = [];

beforeAll(() => server.start());
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
});
afterAll(() => server.end());

/** A host with a connection of its own. */
async function join(name: string) {
  const connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
  connections.push(connection);
  const transport = natsTransport({ connection, prefix: "test", host: name });
  const { log, lines } = recordingLog();
  const host = new Host({ name, clock: systemClock(), random: systemRandom(), log, directory: new Directory(MEMBERS), transport });
  hosts.push(host);
  host.register(
    kindOf<Told>(
      "sum",
      () => {
        let total = 0;
        const notes: number[] = [];
        return (message, sender) => {
          if (message.type === "add") total += message.n;
          if (message.type === "sum") sender.answer(total);
          if (message.type === "echo") sender.answer(message.body);
          if (message.type === "note") sender.answer(notes.push(message.n));
          if (message.type === "notes") sender.answer(notes);
        };
      },
      { mailboxCapacity: 100_000 },
    ),
  );
  await host.ready();
  const failure = (to: ReturnType<typeof addressOf>, message: Told, deadline_ms: number) =>
    host.messenger.ask(to, message, { deadline_ms }).then(
      () => "answered",
      (error: AskFailed) => error.code,
    );
  return { host, connection, transport, lines, failure };
}

test("tells and asks between two hosts, one message of NATS for what one turn sends", async () => {
  const [front] = await Promise.all([join("front"), join("back")]);
  const before = front.connection.stats().outMsgs;
  for (let n = 1; n <= 400; n++) front.host.messenger.tell(sum, { type: "add", n });
  expect(await front.host.messenger.ask(sum, { type: "sum" })).toBe(80_200);
  expect(front.connection.stats().outMsgs - before).toBe(1);
});

test("frames keep under the server's payload limit, and order survives the splitting", async () => {
  const [front] = await Promise.all([join("front"), join("back")]);
  const body = "x".repeat(1_000);
  const echoes = Array.from({ length: 500 }, (_, n) => front.host.messenger.ask<string>(sum, echo(`${n} ${body}`)));
  expect((await Promise.all(echoes)).map((echo) => echo.split(" ")[0])).toEqual(Array.from({ length: 500 }, (_, n) => String(n)));
  expect(await front.failure(sum, { type: "echo", body: "x".repeat(PAYLOAD_MAX_BYTES) }, 10_000)).toBe("too-large");
});

test("asks to a host that nobody is fail at once, long before their deadline", async () => {
  const front = await join("front");
  expect(await front.failure(addressOf("lost", "x"), { type: "sum" }, 1_000_000)).toBe("unreachable");
});

test("another format on the subject is logged and nothing breaks", async () => {
  const [front, back] = await Promise.all([join("front"), join("back")]);
  front.connection.publish("test.host.back", "hello");
  await vi.waitFor(() => expect(back.lines.at(-1)?.fields).toMatchObject({ host: "back", what: "not a frame" }));
  expect(await front.host.messenger.ask(sum, { type: "sum" })).toBe(0);
});

test("while the server is away asks end unreachable, what fits the queue is sent when it is back, the rest is refused", async () => {
  const [front, back] = await Promise.all([join("front"), join("back")]);
  expect(await front.host.messenger.ask(sum, { type: "sum" })).toBe(0);
  await server.kill();
  await vi.waitFor(() => expect([front, back].map(({ transport }) => transport.reachable("back"))).toEqual([false, false]));
  expect(await front.failure(sum, { type: "sum" }, 50)).toBe("unreachable");
  front.host.messenger.tell(sum, { type: "add", n: 7 });
  await new Promise((resolve) => setImmediate(resolve));
  const body = "x".repeat(PAYLOAD_MAX_BYTES - 1_000);
  const full = Math.ceil(WAITING_COST_MAX / body.length) + 10;
  for (let n = 0; n < full; n++) front.host.messenger.tell(sum, { type: "echo", body });
  expect(await front.failure(sum, { type: "echo", body }, 1_000_000)).toBe("unreachable");
  expect(front.host.counters().deadLetters.unreachable).toBeGreaterThan(0);
  await server.start();
  await vi.waitFor(async () => expect(await front.host.messenger.ask(sum, { type: "sum" }, { deadline_ms: 1_000 })).toBe(7), 20_000);
});

/** Tells notes from number `from` on, a few a millisecond, until told to stop; then returns the next number. */
function noting(front: Host, from: number): () => number {
  let n = from;
  const timer = setInterval(() => {
    for (let more = 0; more < 5; more++) front.messenger.tell(sum, { type: "note", n: n++, body: "a note of no great length" });
  }, 1);
  return () => {
    clearInterval(timer);
    return n;
  };
}

const upTo = (below: number): number[] => Array.from({ length: below }, (_, n) => n);
const patient = { deadline_ms: 50_000 };

test("a server that is killed and comes back on the same port: what was told and asked before, meanwhile and after arrives once, in order", async () => {
  const [front, back] = await Promise.all([join("front"), join("back")]);
  expect(await front.host.messenger.ask(sum, { type: "sum" })).toBe(0);
  let told = 0;
  for (let time = 0; time < 3; time++) {
    const { host } = back;
    const before = host.counters().delivered;
    const stop = noting(front.host, told);
    await vi.waitFor(() => expect(host.counters().delivered).toBeGreaterThan(before + 50));
    const asked = Array.from({ length: 20 }, () => front.host.messenger.ask(sum, { type: "sum" }, patient));
    await server.kill();
    await vi.waitFor(() => expect(front.transport.reachable("back")).toBe(false));
    asked.push(front.host.messenger.ask(sum, { type: "sum" }, patient));
    await server.start();
    await vi.waitFor(() => expect(front.transport.reachable("back")).toBe(true), 10_000);
    expect(new Set(await Promise.all(asked))).toEqual(new Set([0]));
    told = stop();
  }
  const notes = await front.host.messenger.ask<number[]>(sum, { type: "notes" }, patient);
  expect(notes).toEqual(upTo(told));
  expect(front.host.counters().deadLetters).toMatchObject({ unreachable: 0, overloaded: 0 });
  expect(back.host.counters().links.missed + front.host.counters().links.missed).toBe(0);
  expect(back.host.counters().delivered).toBe(notes.length + 63 + 2);
});

test("a server that stands still fills windows and queues, no more; when it wakes all that was taken arrives, in order", async () => {
  const [front, back] = await Promise.all([join("front"), join("back")]);
  expect(await front.host.messenger.ask(sum, { type: "sum" })).toBe(0);
  server.freeze();
  const body = "x".repeat(10_000);
  const more = Math.ceil((WINDOW_COST + WAITING_COST_MAX) / body.length) + 200;
  for (let n = 0; n < more; n++) {
    front.host.messenger.tell(sum, { type: "note", n, body });
    if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await front.failure(sum, { type: "sum" }, 1_000_000)).toBe("overloaded");
  expect(front.host.counters().links.waiting).toBeLessThan(WAITING_COST_MAX + 2 * PAYLOAD_MAX_BYTES);
  const { overloaded } = front.host.counters().deadLetters;
  expect(overloaded).toBeGreaterThan(0);
  server.wake();
  await vi.waitFor(() => expect(front.host.counters().links.waiting).toBe(0), 10_000);
  const notes = await front.host.messenger.ask<number[]>(sum, { type: "notes" }, patient);
  expect(notes).toEqual(upTo(more - overloaded));
  expect(back.host.counters().links.missed).toBe(0);
});

test("a server that comes back with a smaller limit gets what waited in smaller frames", async () => {
  const [front] = await Promise.all([join("front"), join("back")]);
  expect(await front.host.messenger.ask(sum, { type: "sum" })).toBe(0);
  await server.kill();
  await vi.waitFor(() => expect(front.transport.reachable("back")).toBe(false));
  for (let n = 0; n < 50; n++) front.host.messenger.tell(sum, { type: "note", n, body: "x".repeat(1_000) });
  const tooLarge = front.failure(sum, { type: "echo", body: "x".repeat(20_000) }, 50_000);
  await new Promise((resolve) => setImmediate(resolve));
  server.payload_max = 16_384;
  try {
    await server.start();
    expect(await tooLarge).toBe("too-large");
    expect(await front.host.messenger.ask(sum, { type: "notes" }, patient)).toEqual(upTo(50));
  } finally {
    server.payload_max = PAYLOAD_MAX_BYTES;
    await server.kill();
    await server.start();
  }
});

test("a host name must be one token of a subject", async () => {
  const { connection } = await join("front");
  expect(() => natsTransport({ connection, prefix: "test", host: "a.b" })).toThrow(RangeError);
});
