import { expect, test } from "vitest";
import { type AskFailed, addressOf, Host, keyOf, type Sender, silentLogger, systemClock, systemRandom } from "../../runtime/mod.ts";
import { ACTOR_MESSAGES_PER_GO, LOOP_MESSAGES_PER_TURN } from "../../runtime/turn-loop.ts";
import { gate, kindOf, stage } from "./stage.ts";

type Add = { type: "add"; n: number };

/** How an ask failed. */
async function failure(ask: Promise<unknown>): Promise<string> {
  return ask.then(
    () => "answered",
    (error: AskFailed) => error.code,
  );
}

test("messages of one sender arrive in the order of sending, in one activation that begins with the first", async () => {
  const { host, clock } = stage();
  const seen: string[] = [];
  host.register(kindOf<Add>("sum", (_context, key) => (message) => void seen.push(`${key}:${message.n}`)));
  for (let n = 0; n < 200; n++) host.messenger.tell(addressOf("sum", "a/b"), { type: "add", n });
  expect(seen, "a tell only queues").toEqual([]);
  await clock.run(0);
  expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => `a/b:${n}`));
  expect(host.counters()).toMatchObject({ delivered: 200, activations: 1, active: 1, kinds: { sum: { delivered: 200, activations: 1 } } });
});

test("messages travel by reference within a host", async () => {
  const { host, clock } = stage();
  const seen: unknown[] = [];
  host.register(kindOf<Add>("sum", () => (message) => void seen.push(message)));
  const message: Add = { type: "add", n: 1 };
  host.messenger.tell(addressOf("sum", "x"), message);
  await clock.run(0);
  expect(seen[0]).toBe(message);
});

test("an async turn holds the mailbox of its own actor and nobody else's", async () => {
  const { host, clock } = stage();
  const seen: string[] = [];
  const slow = gate();
  host.register(
    kindOf<Add>("sum", (_context, key) => async (message) => {
      seen.push(`${key}${message.n} begins`);
      if (key === "slow") await slow.opened;
      seen.push(`${key}${message.n} ends`);
    }),
  );
  for (const n of [1, 2]) host.messenger.tell(addressOf("sum", "slow"), { type: "add", n });
  host.messenger.tell(addressOf("sum", "quick"), { type: "add", n: 3 });
  await clock.run(0);
  expect(seen).toEqual(["slow1 begins", "quick3 begins", "quick3 ends"]);
  slow.open();
  await clock.run(0);
  expect(seen.slice(3)).toEqual(["slow1 ends", "slow2 begins", "slow2 ends"]);
});

test("messages that come while an actor activates wait for it", async () => {
  const { host, clock } = stage();
  const door = gate();
  const seen: number[] = [];
  host.register(
    kindOf<Add>("sum", async () => {
      await door.opened;
      return { receive: (message) => void seen.push(message.n) };
    }),
  );
  for (const n of [1, 2, 3]) host.messenger.tell(addressOf("sum", "x"), { type: "add", n });
  await clock.run(0);
  expect(seen).toEqual([]);
  door.open();
  await clock.run(0);
  expect(seen).toEqual([1, 2, 3]);
});

test("a full mailbox refuses: an ask fails at once, a tell becomes a dead letter that the log shows once", async () => {
  const { host, clock, lines } = stage();
  const door = gate();
  const seen: number[] = [];
  const receive = async (message: Add) => {
    await door.opened;
    seen.push(message.n);
  };
  const slow = kindOf<Add>("sum", () => receive, { mailboxCapacity: 2 });
  host.register(slow);
  const to = addressOf("sum", "x");
  host.messenger.tell(to, { type: "add", n: 1 });
  await clock.run(0);
  for (const n of [2, 3, 4, 5]) host.messenger.tell(to, { type: "add", n });
  expect(await failure(host.messenger.ask(to, { type: "add" }))).toBe("mailbox-full");
  expect(host.counters().kinds.sum?.deadLetters["mailbox-full"]).toBe(2);
  expect(host.counters().deadLetters["mailbox-full"]).toBe(2);
  expect(lines.filter(({ message }) => message === "dead letter").map(({ fields }) => fields)).toEqual([
    { host: "solo", reason: "mailbox-full", to, message: "add", alsoSinceLast: 0 },
  ]);
  door.open();
  await clock.run(0);
  expect(seen).toEqual([1, 2, 3]);
});

test("timers are system messages: ahead of users' messages, and not counted by the mailbox's bound", async () => {
  const { host, clock } = stage();
  const seen: string[] = [];
  const door = gate();
  type Told = { type: "user" } | { type: "alarm" };
  const kind = kindOf<Told>(
    "clocked",
    (context) => {
      context.after(10, { type: "alarm" });
      context.after(20, { type: "alarm" }).cancel();
      return async (message) => {
        seen.push(message.type);
        if (seen.length === 1) await door.opened;
      };
    },
    { mailboxCapacity: 3 },
  );
  host.register(kind);
  for (let n = 0; n < 3; n++) host.messenger.tell(addressOf("clocked", "x"), { type: "user" });
  await clock.run(15);
  door.open();
  await clock.run(15);
  expect(seen).toEqual(["user", "alarm", "user", "user"]);
});

test("an answer may come long after the turn has ended", async () => {
  const { host, clock } = stage();
  const kept: Sender[] = [];
  host.register(
    kindOf<{ type: "keep" } | { type: "release" }>("deferred", () => (message, sender) => {
      if (message.type === "keep") kept.push(sender);
      else for (const one of kept) one.answer("late");
    }),
  );
  const to = addressOf("deferred", "x");
  const first = host.messenger.ask<string>(to, { type: "keep" });
  const second = host.messenger.ask<string>(to, { type: "keep" });
  await clock.run(5_000);
  host.messenger.tell(to, { type: "release" });
  expect(await Promise.all([first, second])).toEqual(["late", "late"]);
});

test("an ask ends once: later answers are counted and change nothing", async () => {
  const { host, clock } = stage();
  let kept: Sender | undefined;
  host.register(
    kindOf<Add>("mute", () => (_message, sender) => {
      kept = sender;
    }),
  );
  const ask = failure(host.messenger.ask(addressOf("mute", "x"), { type: "add" }, { deadline_ms: 100 }));
  await clock.run(99);
  expect(host.counters().asksWaiting).toBe(1);
  await clock.run(60);
  expect(await ask).toBe("deadline");
  kept?.answer(1);
  expect(host.counters()).toMatchObject({ asksWaiting: 0, lateAnswers: 1 });
});

test("an actor fails an ask with a code of its own", async () => {
  const { host } = stage();
  host.register(kindOf<Add>("picky", () => (_message, sender) => sender.fail("conflict", "somebody was first")));
  await expect(host.messenger.ask(addressOf("picky", "x"), { type: "add" })).rejects.toMatchObject({
    name: "AskFailed",
    code: "conflict",
    message: "somebody was first",
  });
});

test("actors tell and ask one another, and a stopped one begins anew with the messages that waited", async () => {
  const { host, clock } = stage();
  const activations: number[] = [];
  type Told = { type: "count" } | { type: "stop" };
  host.register(
    kindOf<Told>("counter", (context) => {
      activations.push(context.epoch);
      let count = 0;
      return (message, sender) => {
        if (message.type === "stop") context.stop();
        else sender.answer(++count);
      };
    }),
  );
  host.register(
    kindOf<{ type: "go" }>("driver", (context) => async (_message, sender) => {
      const to = addressOf("counter", keyOf(context.self));
      const before = await Promise.all([1, 2].map(() => context.ask<number>(to, { type: "count" })));
      context.tell(to, { type: "stop" });
      sender.answer([...before, await context.ask<number>(to, { type: "count" })]);
    }),
  );
  expect(await host.messenger.ask(addressOf("driver", "x"), { type: "go" })).toEqual([1, 2, 1]);
  await clock.run(0);
  expect(activations.length).toBe(2);
  expect(activations[1]).toBeGreaterThan(activations[0] ?? Number.POSITIVE_INFINITY);
  expect(host.counters().active).toBe(2);
});

test("a kind that nobody offers fails an ask and makes a dead letter of a tell", async () => {
  const { host } = stage();
  host.messenger.tell(addressOf("ghost", "x"), { type: "boo" });
  expect(await failure(host.messenger.ask(addressOf("ghost", "x"), { type: "boo" }))).toBe("unknown-kind");
  expect(host.counters().deadLetters["unknown-kind"]).toBe(1);
});

test("a busy actor leaves the others their go, and the event loop its turn", async () => {
  const host = new Host({ name: "solo", clock: systemClock(), random: systemRandom(), log: silentLogger });
  let spins = 0;
  let spinning = true;
  let othersGo: number | undefined;
  host.register(
    kindOf<{ type: "spin" }>("spinner", (context) => () => {
      spins += 1;
      if (spinning) context.tell(context.self, { type: "spin" });
    }),
  );
  host.register(
    kindOf<{ type: "look" }>("other", () => () => {
      othersGo = spins;
    }),
  );
  host.messenger.tell(addressOf("spinner", "x"), { type: "spin" });
  host.messenger.tell(addressOf("other", "x"), { type: "look" });
  // A timer fires only if the event loop gets past the spinner.
  do await new Promise<void>((resolve) => setTimeout(resolve, 1));
  while (othersGo === undefined || spins <= ACTOR_MESSAGES_PER_GO);
  expect(othersGo).toBeLessThanOrEqual(ACTOR_MESSAGES_PER_GO);
  spinning = false;
  await host.stop();
});

test("the event loop gets its turn also when the clock stands still", async () => {
  const { host } = stage();
  let spins = 0;
  let spinning = true;
  host.register(
    kindOf<{ type: "spin" }>("spinner", (context) => () => {
      spins += 1;
      if (spinning && spins < 10 * LOOP_MESSAGES_PER_TURN) context.tell(context.self, { type: "spin" });
    }),
  );
  host.messenger.tell(addressOf("spinner", "x"), { type: "spin" });
  await new Promise<void>((resolve) => setImmediate(resolve));
  spinning = false;
  expect(spins).toBeGreaterThan(ACTOR_MESSAGES_PER_GO);
  expect(spins).toBeLessThanOrEqual(3 * LOOP_MESSAGES_PER_TURN);
  await host.stop();
});

test("stop ends actors kind after kind, the last registered first, while they can still reach the others", async () => {
  const { host, clock, lines } = stage();
  const stopped: string[] = [];
  const door = gate();
  host.register({
    ...kindOf<Add>("store", () => (_message, sender) => sender.answer("stored")),
    activate: () => ({ receive: (_message, sender) => sender.answer("stored"), stopped: () => void stopped.push("store") }),
  });
  host.register(
    kindOf<Add>("node", (context) => ({
      receive: () => door.opened,
      async stopped() {
        stopped.push(`node ${await context.ask<string>(addressOf("store", "x"), { type: "add" })}`);
      },
    })),
  );
  host.messenger.tell(addressOf("store", "x"), { type: "add" });
  for (const n of [1, 2, 3]) host.messenger.tell(addressOf("node", "x"), { type: "add", n });
  await clock.run(0);
  const waiting = failure(host.messenger.ask(addressOf("node", "x"), { type: "add" }));
  const end = host.stop();
  expect(host.stop()).toBe(end);
  host.messenger.tell(addressOf("store", "x"), { type: "add" });
  expect(await failure(host.messenger.ask(addressOf("store", "x"), { type: "add" }))).toBe("unreachable");
  await clock.run(10);
  expect(stopped, "a turn in progress is not cut short").toEqual([]);
  door.open();
  await end;
  expect(stopped).toEqual(["node stored", "store"]);
  expect(await waiting).toBe("unreachable");
  expect(host.counters()).toMatchObject({ active: 0, deadLetters: { stopped: 3 } });
  expect(clock.pending()).toBe(0);
  expect(lines.filter(({ level }) => level === "error")).toEqual([]);
});

test("stop leaves behind, by name, an actor that does not stop", async () => {
  const { host, clock, lines } = stage();
  host.register(kindOf<Add>("stuck", () => () => new Promise<void>(() => undefined)));
  host.messenger.tell(addressOf("stuck", "x"), { type: "add" });
  await clock.run(0);
  const end = host.stop();
  await clock.run(10_000);
  await end;
  expect(lines.at(-1)?.fields).toEqual({ host: "solo", kind: "stuck", left: 1, first: "stuck/x" });
});

test("a kind is registered once, under a name without a slash", () => {
  const { host } = stage();
  host.register(kindOf("sum", () => () => undefined));
  expect(() => host.register(kindOf("sum", () => () => undefined))).toThrow("registered already");
  expect(() => host.register(kindOf("su/m", () => () => undefined))).toThrow(RangeError);
});
