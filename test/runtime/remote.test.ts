import { Packr } from "msgpackr";
import { expect, test } from "vitest";
import { FRAME_VERSION } from "../../runtime/frame.ts";
import { WAITING_COST_MAX, WINDOW_COST } from "../../runtime/link.ts";
import {
  type Address,
  type AskFailed,
  addressOf,
  Directory,
  Host,
  loopbackNetwork,
  type Member,
  type Sender,
  seededRandom,
  unknownMessage,
  virtualClock,
} from "../../runtime/mod.ts";
import { kindOf, recordingLog } from "./stage.ts";

type Told = { type: "add"; n: number; body?: string } | { type: "sum" } | { type: "echo"; body: unknown } | { type: "keep" };

const BOTH: Member[] = [
  { host: "front", kinds: ["client"] },
  { host: "back", kinds: ["sum"] },
];
const sum = addressOf("sum", "x");
const echo = (body: unknown): Told => ({ type: "echo", body });

/** A frame of a host that the others do not know, which starts anew with each. */
function frameOfStranger(envelopes: readonly unknown[]): Uint8Array {
  strangerLife += 1;
  return new Packr().pack([FRAME_VERSION, ["stranger", 0, 0, strangerLife, 0, 0, 0, 0, 0], envelopes]);
}
let strangerLife = 0;

/** Two hosts on one clock; `sum` actors live on `back`. */
function pair(options: { members?: Member[]; payload_max?: number } = {}) {
  const clock = virtualClock();
  const network = loopbackNetwork(options.payload_max);
  const directory = new Directory(options.members ?? BOTH);
  const kept: Sender[] = [];
  const hosts = ["front", "back"].map((name, index) => {
    const { log, lines } = recordingLog();
    const host = new Host({ name, clock, random: seededRandom(index), log, directory, transport: network.join(name) });
    host.register(
      kindOf<Told>("sum", () => {
        let total = 0;
        return (message, sender) => {
          if (message.type === "add") total += message.n;
          else if (message.type === "sum") sender.answer({ total, on: name });
          else if (message.type === "echo") sender.answer(message.body);
          else if (message.type === "keep") kept.push(sender);
          else unknownMessage(message);
        };
      }),
    );
    return { host, lines };
  });
  const [front, back] = hosts;
  if (front === undefined || back === undefined) throw new Error("two hosts were made");
  const failure = (to: Address, message: Told, deadline_ms = 1_000) =>
    front.host.messenger.ask(to, message, { deadline_ms }).then(
      () => "answered",
      (error: AskFailed) => error.code,
    );
  return { clock, network, directory, front, back, kept, failure };
}

test("tells and asks reach the host that the directory names, in order, and answers come back", async () => {
  const { front, back } = pair();
  for (let n = 1; n <= 100; n++) front.host.messenger.tell(sum, { type: "add", n });
  expect(await front.host.messenger.ask(sum, { type: "sum" })).toEqual({ total: 5_050, on: "back" });
  expect(front.host.counters().activations).toBe(0);
  expect(back.host.counters().delivered).toBe(101);
});

test("what one turn of the loop sends to one host is one frame", async () => {
  const { front, back, clock } = pair();
  for (let n = 1; n <= 100; n++) front.host.messenger.tell(sum, { type: "add", n });
  await clock.run(0);
  expect(front.host.counters().links).toMatchObject({ frames: 1, envelopes: 100, framesTaken: 0, waiting: 0 });
  expect(back.host.counters().links).toMatchObject({ frames: 0, framesTaken: 1, reports: 1 });
});

test("an actor on the same host is reached without the network", async () => {
  const { back, network } = pair();
  const body = { not: () => "plain" };
  expect(await back.host.messenger.ask(sum, echo(body))).toBe(body);
  expect(network.frames).toBe(0);
});

test("between hosts only plain data survives: answers are copies", async () => {
  const { front } = pair();
  const body = {
    text: "ü",
    list: [1, 2.5, -3],
    none: null,
    missing: undefined,
    bytes: new Uint8Array([1, 2]),
    deep: { big: 2 ** 50, yes: true },
  };
  const back = await front.host.messenger.ask<typeof body>(sum, echo(body));
  expect(back).not.toBe(body);
  expect({ ...back, bytes: new Uint8Array(back.bytes) }).toEqual(body);
});

test("an answer may be given long after the turn, by whoever kept the sender, once", async () => {
  const { front, back, kept, clock } = pair();
  const ask = front.host.messenger.ask<string>(sum, { type: "keep" });
  await clock.run(5_000);
  kept[0]?.answer("late");
  kept[0]?.answer("later");
  expect(await ask).toBe("late");
  await clock.run(0);
  expect(front.host.counters().lateAnswers).toBe(0);
  expect(back.host.counters().asksWaiting).toBe(0);
});

test("messages larger than one frame are split between frames; one larger than a frame is refused", async () => {
  const { front, network, clock, failure } = pair({ payload_max: 2_000 });
  const body = "x".repeat(900);
  const echoes = Array.from({ length: 7 }, (_, n) => front.host.messenger.ask(sum, echo(`${n}${body}`)));
  expect((await Promise.all(echoes)).map((echo) => String(echo).charAt(0))).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
  expect(network.frames).toBeGreaterThanOrEqual(8);
  expect(await failure(sum, { type: "echo", body: "x".repeat(2_000) })).toBe("too-large");
  front.host.messenger.tell(sum, { type: "echo", body: "x".repeat(2_000) });
  const round: unknown[] = [];
  round.push(round);
  expect(await failure(sum, { type: "echo", body: round })).toBe("not-plain-data");
  await clock.run(0);
  expect(front.host.counters().deadLetters).toMatchObject({ "too-large": 1, "not-plain-data": 0 });
});

test("an answer that cannot travel fails its ask", async () => {
  const { back, failure } = pair({ payload_max: 2_000, members: [{ host: "back", kinds: ["big"] }] });
  const answers: Record<string, unknown> = { long: "x".repeat(2_000), short: "x" };
  back.host.register(kindOf<Told>("big", (_context, key) => (_message, sender) => sender.answer(answers[key])));
  expect(await failure(addressOf("big", "long"), { type: "sum" })).toBe("too-large");
  expect(await failure(addressOf("big", "short"), { type: "sum" })).toBe("answered");
});

test("refusals of the other host come back as they would here", async () => {
  const { failure, back, clock } = pair({ members: [{ host: "back", kinds: ["sum", "ghost"] }] });
  expect(await failure(addressOf("ghost", "x"), { type: "sum" })).toBe("unknown-kind");
  await Promise.all([back.host.stop(), clock.run(0)]);
  expect(await failure(sum, { type: "sum" }), "its transport is gone, and the network says so").toBe("unreachable");
});

test("a lost message ends in its deadline; a cut-off asker learns that nothing is reachable", async () => {
  const { network, clock, failure } = pair();
  network.cut("back", true);
  const ask = failure(sum, { type: "sum" });
  await clock.run(1_100);
  expect(await ask).toBe("unreachable");
  network.cut("back", false);
  const silent = failure(sum, { type: "keep" });
  await clock.run(1_100);
  expect(await silent).toBe("deadline");
});

test("a host that meets a frame of another version says so and goes on", async () => {
  const { front, back, network, clock } = pair();
  network.inject("back", new Packr().pack([FRAME_VERSION + 1, "front", [["from the future"]]]));
  network.inject(
    "back",
    frameOfStranger([
      [99, "an envelope from the future"],
      [0, sum, { type: "add", n: 4 }],
    ]),
  );
  await clock.run(0);
  expect(back.lines.map(({ level, message }) => `${level} ${message}`)).toEqual(["error dropped what this host cannot read"]);
  expect(back.host.counters().deadLetters.unreadable).toBe(2);
  expect(await front.host.messenger.ask(sum, { type: "sum" })).toEqual({ total: 4, on: "back" });
});

test("when an address moves, its actor stops and what waited follows it, asks too", async () => {
  const { front, back, directory, clock } = pair();
  const keep = front.host.messenger.ask(sum, { type: "keep" }, { deadline_ms: 100_000 }).catch((error: AskFailed) => error.code);
  await clock.run(0);
  for (let n = 1; n <= 3; n++) back.host.messenger.tell(sum, { type: "add", n });
  const total = back.host.messenger.ask(sum, { type: "sum" });
  directory.update([{ host: "front", kinds: ["sum"] }]);
  await clock.run(0);
  expect(await total).toEqual({ total: 6, on: "front" });
  expect(back.host.counters().active).toBe(0);
  expect(front.host.counters().active).toBe(1);
  await clock.run(100_100);
  expect(await keep).toBe("deadline");
});

test("what another host sends in error is sent on once, and refused the second time, instead of activating an address twice", async () => {
  const { front, back, network, clock } = pair();
  network.inject("front", frameOfStranger([[0, sum, { type: "add", n: 4 }]]));
  await clock.run(0);
  expect(front.host.counters()).toMatchObject({ active: 0, deadLetters: { unreachable: 0 } });
  expect(await back.host.messenger.ask(sum, { type: "sum" })).toEqual({ total: 4, on: "back" });
  network.inject("front", frameOfStranger([[0, sum, { type: "add", n: 4 }, 0]]));
  await clock.run(0);
  expect(front.host.counters()).toMatchObject({ active: 0, deadLetters: { unreachable: 1 } });
  expect(await back.host.messenger.ask(sum, { type: "sum" })).toEqual({ total: 4, on: "back" });
});

test("a message of another version is refused, counted and logged, and its actor goes on as it was", async () => {
  const { front, back, network, clock } = pair();
  front.host.messenger.tell(sum, { type: "add", n: 4 });
  await clock.run(0);
  for (const message of [{ type: "fromTheFuture" }, null, { n: 4 }]) {
    network.inject("back", frameOfStranger([[0, sum, message]]));
    await clock.run(0);
  }
  const ask = front.host.messenger.ask(sum, { type: "fromTheFuture" }).catch((error: AskFailed) => error.code);
  await clock.run(0);
  expect(await ask).toBe("unknown-message");
  const counters = back.host.counters();
  expect(counters.deadLetters["unknown-message"]).toBe(4);
  expect(counters).toMatchObject({ activations: 1, crashes: 0, restarts: 0, kinds: { sum: { deadLetters: { "unknown-message": 2 } } } });
  expect(back.lines.map(({ level, fields }) => [level, fields.reason, fields.message])).toEqual([
    ["warn", "unknown-message", "fromTheFuture"],
  ]);
  expect(await front.host.messenger.ask(sum, { type: "sum" })).toEqual({ total: 4, on: "back" });
});

/** One large message, so that few of them fill a window. */
const LARGE = "x".repeat(100_000);

test("a host that takes nothing in lets others send a window and a queue; then asks fail at once and tells are counted", async () => {
  const { front, back, network, clock, failure } = pair();
  expect(await failure(sum, { type: "sum" })).toBe("answered");
  network.hold("back", true);
  const tells = Math.ceil((WINDOW_COST + WAITING_COST_MAX) / LARGE.length) + 40;
  for (let n = 0; n < tells; n++) {
    front.host.messenger.tell(sum, { type: "add", n: 1, body: LARGE });
    if (n % 10 === 0) await clock.run(0);
  }
  await clock.run(0);
  const { overloaded } = front.host.counters().deadLetters;
  expect(overloaded).toBeGreaterThan(5);
  expect(overloaded).toBeLessThanOrEqual(40);
  expect(front.host.counters().links.waiting).toBeLessThan(WAITING_COST_MAX + 1_048_576);
  expect(await failure(sum, { type: "sum" }, 1_000_000)).toBe("overloaded");
  // Its own way out is free all the while, and so is its way back to the asker: nothing but the window waits for its event loop.
  network.hold("back", false);
  await clock.run(1_000);
  expect(await front.host.messenger.ask(sum, { type: "sum" })).toEqual({ total: tells - overloaded, on: "back" });
  expect(front.host.counters().links).toMatchObject({ waiting: 0, missed: 0 });
  expect(back.host.counters().links).toMatchObject({ missed: 0, doubled: 0 });
});

test("a slow host holds up nobody else", async () => {
  const { front, network, clock, failure } = pair({ members: [...BOTH, { host: "third", kinds: ["other"] }] });
  const third = new Host({
    name: "third",
    clock,
    random: seededRandom(3),
    log: recordingLog().log,
    directory: new Directory([{ host: "third", kinds: ["other"] }]),
    transport: network.join("third"),
  });
  third.register(kindOf<Told>("other", () => (_message, sender) => sender.answer("here")));
  network.hold("back", true);
  for (let n = 0; n < 400; n++) front.host.messenger.tell(sum, { type: "echo", body: LARGE });
  await clock.run(0);
  expect(front.host.counters().deadLetters.overloaded).toBeGreaterThan(0);
  expect(await failure(addressOf("other", "x"), { type: "sum" }, 100)).toBe("answered");
});

test("answers to what a host has asked reach it when it takes in again, far beyond the window", async () => {
  const { front, network, clock, back, kept } = pair();
  const asks = Array.from({ length: 110 }, () => front.host.messenger.ask<string>(sum, { type: "keep" }, { deadline_ms: 100_000 }));
  await clock.run(0);
  network.hold("front", true);
  for (const [n, sender] of kept.entries()) sender.answer(`${n} ${LARGE}`);
  await clock.run(2_000);
  expect(back.host.counters().links.waiting).toBeGreaterThan(WINDOW_COST);
  network.hold("front", false);
  await clock.run(2_000);
  expect((await Promise.all(asks)).map((answer) => Number.parseInt(answer, 10))).toEqual(Array.from({ length: 110 }, (_, n) => n));
});

test("a window that was lost with all its frames opens again, and what was lost is sent again", async () => {
  const { front, network, clock, failure } = pair();
  expect(await failure(sum, { type: "sum" })).toBe("answered");
  network.cut("back", true);
  for (let n = 0; n < 60; n++) front.host.messenger.tell(sum, { type: "add", n: 1, body: LARGE });
  await clock.run(0);
  expect(front.host.counters().links.waiting).toBeGreaterThan(0);
  network.cut("back", false);
  await clock.run(1_000);
  expect(front.host.counters().links.waiting).toBe(0);
  expect(await front.host.messenger.ask(sum, { type: "sum" })).toEqual({ total: 60, on: "back" });
});

test("when a host is lost, what waited for it is refused, and its successor is served", async () => {
  const { front, back, network, clock, directory } = pair();
  network.hold("back", true);
  for (let n = 0; n < 100; n++) front.host.messenger.tell(sum, { type: "echo", body: LARGE });
  await clock.run(0);
  await Promise.all([back.host.stop(), clock.run(0)]);
  const before = front.host.counters().deadLetters.unreachable;
  network.hold("back", false);
  front.host.messenger.tell(sum, { type: "echo", body: LARGE });
  await clock.run(1_000);
  expect(front.host.counters().deadLetters.unreachable).toBeGreaterThan(before + 40);
  expect(front.host.counters().links.waiting).toBe(0);
  const transport = network.join("back");
  const anew = new Host({ name: "back", clock, random: seededRandom(9), log: recordingLog().log, directory, transport });
  anew.register(kindOf<Told>("sum", () => (_message, sender) => sender.answer("anew")));
  expect(await front.host.messenger.ask(sum, { type: "sum" })).toBe("anew");
});

test("when a host is started anew unnoticed, asks to its former life end, and its own first frame is taken", async () => {
  const { front, network, clock, directory } = pair();
  const keep = front.host.messenger.ask(sum, { type: "keep" }, { deadline_ms: 1_000_000 }).catch((error: AskFailed) => error.code);
  await clock.run(0);
  const anew = new Host({
    name: "back",
    clock,
    random: seededRandom(9),
    log: recordingLog().log,
    directory,
    transport: network.join("back"),
  });
  front.host.register(kindOf<Told>("client", () => (_message, sender) => sender.answer("heard")));
  expect(await anew.messenger.ask(addressOf("client", "x"), { type: "sum" })).toBe("heard");
  expect(await keep).toBe("unreachable");
});
