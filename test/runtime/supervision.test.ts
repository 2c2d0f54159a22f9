import { expect, test } from "vitest";
import type { RestartStrategy } from "../../runtime/actor.ts";
import {
  type ActorKind,
  type AskFailed,
  addressOf,
  type ChildFailed,
  Directory,
  type HostOptions,
  loopbackNetwork,
  type Supervision,
  virtualClock,
} from "../../runtime/mod.ts";
import { gate, kindOf, stage } from "./stage.ts";

type Told = { type: "add"; n: number } | { type: "crash" } | { type: "crash later" } | { type: "alarm" };

const RESTART: RestartStrategy = { strategy: "restart", backoff_ms: 100, backoff_max_ms: 1_000 };
const to = addressOf("sum", "x");

/** A host with one kind that keeps a sum, notes what happens and crashes when told to. */
function summing(supervision: Supervision) {
  const on = stage();
  const seen: string[] = [];
  on.host.register(
    kindOf<Told>(
      "sum",
      (context) => {
        seen.push(`activated at ${on.clock.monotonic_ms()}`);
        let sum = 0;
        return {
          async receive(message, sender) {
            if (message.type === "add") {
              sum += message.n;
              sender.answer(sum);
            }
            if (message.type === "crash later") await Promise.resolve();
            if (message.type === "crash") context.after(5, { type: "alarm" });
            if (message.type === "alarm") seen.push("alarm");
            if (message.type.startsWith("crash")) throw new Error("told to");
          },
          stopped: () => void seen.push("stopped"),
        };
      },
      { supervision },
    ),
  );
  const ask = (message: Told) => on.host.messenger.ask<number>(to, message).catch((error: AskFailed) => error.code);
  return { ...on, seen, ask };
}

test("restart: a new activation after the backoff, state lost, mailbox kept, timers of the old one gone", async () => {
  const { host, clock, seen, ask } = summing(RESTART);
  const answers = Promise.all([ask({ type: "add", n: 1 }), ask({ type: "crash" }), ask({ type: "add", n: 5 })]);
  await clock.run(99);
  expect(seen).toEqual(["activated at 0", "stopped"]);
  await clock.run(1);
  expect(seen.slice(2)).toEqual(["activated at 100"]);
  expect(await answers).toEqual([1, "crashed", 5]);
  expect(host.counters()).toMatchObject({ crashes: 1, restarts: 1, activations: 2, active: 1 });
  await clock.run(1_000);
  expect(seen).not.toContain("alarm");
});

test("restart: the backoff doubles up to its maximum, and begins anew after a life as long as that", async () => {
  const { clock, seen, ask, host } = summing(RESTART);
  const crashAt: number[] = [];
  for (let crash = 0; crash < 6; crash++) {
    crashAt.push(clock.monotonic_ms());
    host.messenger.tell(to, { type: "crash later" });
    await clock.run(1_000);
  }
  const waits = seen.filter((line) => line.startsWith("activated")).map((line) => Number(line.slice("activated at ".length)));
  // Crashes come once a second, so the wait grows while each life is shorter than a second: 100, 200, 400, 800, 1000.
  expect(waits.slice(1, 6).map((at, index) => at - (crashAt[index] ?? Number.NaN))).toEqual([100, 200, 400, 800, 1_000]);
  await clock.run(5_000);
  const before = clock.monotonic_ms();
  expect(await Promise.all([ask({ type: "crash" }), clock.run(150)])).toEqual(["crashed", undefined]);
  expect(seen.at(-1)).toBe(`activated at ${before + 100}`);
});

test("restart also without a message, because an actor may live by its timers", async () => {
  const on = stage();
  const alarms: number[] = [];
  const kind = kindOf<Told>(
    "sum",
    (context) => {
      context.after(1_000, { type: "alarm" });
      return (message) => {
        if (message.type === "alarm") alarms.push(on.clock.monotonic_ms());
        if (message.type === "alarm" && alarms.length === 1) throw new Error("first alarm");
      };
    },
    { supervision: RESTART },
  );
  on.host.register(kind);
  on.host.messenger.tell(to, { type: "add", n: 1 });
  await on.clock.run(5_000);
  expect(alarms).toEqual([1_000, 2_100]);
});

test("resume: the same activation goes on with its state, without the message that crashed it", async () => {
  const { host, seen, ask } = summing({ strategy: "resume" });
  const asks = [ask({ type: "add", n: 1 }), ask({ type: "crash later" }), ask({ type: "add", n: 5 })];
  expect(await Promise.all(asks)).toEqual([1, "crashed", 6]);
  expect(seen).toEqual(["activated at 0"]);
  expect(host.counters()).toMatchObject({ crashes: 1, restarts: 0, activations: 1 });
});

test("stop: what waited is refused, and a later message begins anew", async () => {
  const { host, clock, seen, ask } = summing({ strategy: "stop" });
  const asks = [ask({ type: "add", n: 1 }), ask({ type: "crash" }), ask({ type: "add", n: 5 })];
  host.messenger.tell(to, { type: "add", n: 7 });
  expect(await Promise.all(asks)).toEqual([1, "crashed", "crashed"]);
  await clock.run(0);
  expect(host.counters()).toMatchObject({ active: 0, deadLetters: { crashed: 1 } });
  expect(await ask({ type: "add", n: 2 })).toBe(2);
  expect(seen).toEqual(["activated at 0", "stopped", "activated at 0"]);
});

test("a failed activation is retried with the mailbox kept when the kind restarts, and refused otherwise", async () => {
  for (const [supervision, answers] of [
    [RESTART, 4],
    [{ strategy: "stop" }, "crashed"],
    [{ strategy: "resume" }, "crashed"],
  ] as const) {
    const { host, clock } = stage();
    let tries = 0;
    const activate = async () => {
      tries += 1;
      if (tries < 4) throw new Error("not yet");
      return { receive: (_message: Told, sender: { answer(value: unknown): void }) => sender.answer(tries) };
    };
    host.register(kindOf<Told>("sum", activate, { supervision }));
    const ask = host.messenger.ask(to, { type: "add" }).catch((error: AskFailed) => error.code);
    await clock.run(1_000);
    expect(await ask).toBe(answers);
  }
});

test("a host that stops does not wait for a backoff", async () => {
  const { host, clock, ask } = summing({ strategy: "restart", backoff_ms: 60_000, backoff_max_ms: 60_000 });
  const asks = [ask({ type: "crash" }), ask({ type: "add", n: 1 })];
  await clock.run(0);
  await host.stop();
  expect(await Promise.all(asks)).toEqual(["crashed", "unreachable"]);
  expect(clock.pending()).toBe(0);
});

test("a crashed actor's leftovers cannot touch its successor", async () => {
  const { host, clock } = stage();
  const door = gate();
  const seen: string[] = [];
  const kind = kindOf<Told>(
    "sum",
    (context) => (message) => {
      if (message.type === "crash") {
        void door.opened.then(() => {
          context.stop();
          context.after(1, { type: "alarm" });
        });
        throw new Error("told to");
      }
      seen.push(message.type);
    },
    { supervision: { strategy: "restart", backoff_ms: 0, backoff_max_ms: 0 } },
  );
  host.register(kind);
  host.messenger.tell(to, { type: "crash" });
  host.messenger.tell(to, { type: "add", n: 1 });
  await clock.run(10);
  door.open();
  await clock.run(10);
  expect(seen).toEqual(["add"]);
  expect(host.counters()).toMatchObject({ active: 1, activations: 2 });
});

test("a timer that had fired when its actor crashed does not reach the successor", async () => {
  const { host, clock } = stage();
  const door = gate();
  const seen: string[] = [];
  const kind = kindOf<Told>(
    "sum",
    (context) => async (message) => {
      seen.push(message.type);
      if (message.type !== "crash") return;
      context.after(5, { type: "alarm" });
      await door.opened;
      throw new Error("told to");
    },
    { supervision: RESTART },
  );
  host.register(kind);
  host.messenger.tell(to, { type: "crash" });
  host.messenger.tell(to, { type: "add", n: 1 });
  await clock.run(10);
  door.open();
  await clock.run(1_000);
  expect(seen).toEqual(["crash", "add"]);
});

test("an actor that crashes while its host stops is not restarted", async () => {
  const { host, clock, seen } = summing(RESTART);
  const door = gate();
  host.register(
    kindOf<Told>(
      "slow",
      () => async () => {
        await door.opened;
        throw new Error("too late");
      },
      { supervision: RESTART },
    ),
  );
  host.messenger.tell(addressOf("slow", "x"), { type: "crash" });
  await clock.run(0);
  const end = host.stop();
  door.open();
  await end;
  expect(seen).toEqual([]);
  expect(host.counters()).toMatchObject({ active: 0, crashes: 1, restarts: 0 });
  expect(clock.pending()).toBe(0);
});

/** A kind whose actors crash at each message, under this supervision. */
function crashing(supervision: Supervision, more: Partial<ActorKind<Told>> = {}, options: Partial<HostOptions> = {}) {
  const on = stage(options);
  const kind = kindOf<Told>(
    "sum",
    () => ({
      receive: () => {
        throw new Error("told to");
      },
    }),
    { supervision },
  );
  on.host.register({ ...kind, ...more });
  return on;
}

const LIMITED: Supervision = { ...RESTART, limit: { restarts_max: 2, within_ms: 10_000, beyond: "escalate" } };

test("a crash loop is visible: a log line each with the count and the next delay, counters, and its state in the snapshot", async () => {
  const { host, clock, lines } = crashing(RESTART);
  for (let n = 1; n <= 3; n++) host.messenger.tell(to, { type: "add", n });
  await clock.run(350);
  expect(lines.map(({ level, message, fields }) => [level, message, fields])).toMatchObject([
    ["error", "actor crashed", { actor: to, message: "add", follows: "restart", crashes: 1, restart_ms: 100 }],
    ["error", "actor crashed", { crashes: 2, restart_ms: 200 }],
    ["error", "actor crashed", { crashes: 3, restart_ms: 400 }],
  ]);
  expect(host.counters().kinds.sum).toMatchObject({ crashes: 3, restarts: 3, escalations: 0 });
  const { actors } = await host.snapshot();
  expect(actors).toEqual([{ address: to, phase: "backoff", waiting: 0, handled: 3, crashes: 3, error: "Error: told to", restart_ms: 350 }]);
  await clock.run(350 + 1_000);
  const [healed] = (await host.snapshot()).actors;
  expect(healed).toEqual({ address: to, phase: "idle", waiting: 0, handled: 3, crashes: 0, error: "Error: told to" });
});

test("too many restarts: the actor is given up, what waited is refused, and the host is told where nobody supervises", async () => {
  const failures: unknown[] = [];
  const { host, clock, lines } = crashing(LIMITED, {}, { escalated: (failure) => void failures.push(failure) });
  const asks = Array.from({ length: 4 }, () =>
    host.messenger.ask(to, { type: "add" }).catch(({ code, message }: AskFailed) => `${code} ${message}`),
  );
  await clock.run(1_000);
  expect(await Promise.all(asks)).toEqual([
    ...Array(3).fill(`crashed ${to}: crashed while handling add: Error: told to`),
    `crashed ${to}: the actor crashed before it answered`,
  ]);
  expect(failures).toEqual([{ type: "childFailed", child: to, error: "Error: told to" }]);
  expect(lines.at(-1)?.fields).toMatchObject({ follows: "escalate", crashes: 3 });
  expect(host.counters()).toMatchObject({ crashes: 3, restarts: 2, escalations: 1, active: 0 });
});

test("an actor that was given up and nobody hears of is logged", async () => {
  const { host, clock, lines } = crashing({ strategy: "escalate" });
  host.messenger.tell(to, { type: "crash" });
  await clock.run(0);
  expect(lines.map(({ message }) => message)).toEqual(["actor crashed", "an actor was given up, and nobody supervises it"]);
});

test("a limit may end in a stop, which tells nobody", async () => {
  const failures: unknown[] = [];
  const limit = { restarts_max: 0, within_ms: 1_000, beyond: "stop" } as const;
  const { host, clock } = crashing({ ...RESTART, limit }, {}, { escalated: (failure) => void failures.push(failure) });
  host.messenger.tell(to, { type: "crash" });
  await clock.run(0);
  expect(host.counters()).toMatchObject({ crashes: 1, restarts: 0, escalations: 0, active: 0 });
  expect(failures).toEqual([]);
});

type Overseeing = { type: "begin" } | { type: "fail" } | ChildFailed;

/** A supervisor that notes what it is told and may be slow or crash. */
function overseer(heard: string[], turn: (message: Overseeing) => void | Promise<void> = () => undefined): ActorKind<Overseeing> {
  return kindOf<Overseeing>(
    "overseer",
    () => (message) => {
      heard.push(message.type === "childFailed" ? `${message.child}: ${message.error}` : message.type);
      return turn(message);
    },
    { supervision: RESTART },
  );
}

test("escalate: the supervisor hears of it by a system message, activated for it or not, ahead of users' messages", async () => {
  const heard: string[] = [];
  const door = gate();
  const supervisor = () => addressOf("overseer", "main");
  const { host, clock } = crashing({ strategy: "escalate" }, { supervisor });
  host.register(overseer(heard, () => door.opened));
  host.messenger.tell(to, { type: "crash" });
  await clock.run(0);
  for (const type of ["begin", "begin"] as const) host.messenger.tell(supervisor(), { type });
  host.messenger.tell(addressOf("sum", "y"), { type: "crash" });
  await clock.run(0);
  expect(heard).toEqual([`${to}: Error: told to`]);
  door.open();
  await clock.run(0);
  expect(heard.slice(1)).toEqual(["sum/y: Error: told to", "begin", "begin"]);
});

test("what a supervisor is told outlives its own crash, unlike its timers", async () => {
  const heard: string[] = [];
  const door = gate();
  const supervisor = () => addressOf("overseer", "main");
  const { host, clock } = crashing({ strategy: "escalate" }, { supervisor });
  const crash = async (message: Overseeing): Promise<void> => {
    await door.opened;
    if (message.type === "fail") throw new Error("told to");
  };
  host.register(overseer(heard, crash));
  host.messenger.tell(supervisor(), { type: "fail" });
  await clock.run(0);
  host.messenger.tell(to, { type: "crash" });
  await clock.run(0);
  door.open();
  await clock.run(RESTART.backoff_ms);
  expect(heard).toEqual(["fail", `${to}: Error: told to`]);
});

test("escalate: a supervisor on another host hears of it too", async () => {
  const heard: string[] = [];
  const clock = virtualClock();
  const network = loopbackNetwork();
  const directory = new Directory([
    { host: "front", kinds: ["overseer"] },
    { host: "back", kinds: ["sum"] },
  ]);
  const { host: back } = crashing(
    { strategy: "escalate" },
    { supervisor: (key) => addressOf("overseer", key) },
    { name: "back", clock, directory, transport: network.join("back") },
  );
  const { host: front } = stage({ name: "front", clock, directory, transport: network.join("front") });
  front.register(overseer(heard));
  back.messenger.tell(to, { type: "crash" });
  await clock.run(0);
  expect(heard).toEqual([`${to}: Error: told to`]);
});

test("a crash loses no other actor's work: turns in progress, mailboxes and state of all others stay as they were", async () => {
  const { host, clock } = stage();
  const door = gate();
  const done: string[] = [];
  const kind = kindOf<Told>(
    "sum",
    (_context, key) => {
      let sum = 0;
      return async (message) => {
        if (message.type === "crash") throw new Error("told to");
        if (key === "slow") await door.opened;
        if (message.type === "add") sum += message.n;
        done.push(`${key} ${sum}`);
      };
    },
    { supervision: RESTART },
  );
  host.register(kind);
  const tell = (key: string, message: Told) => host.messenger.tell(addressOf("sum", key), message);
  for (const key of ["slow", "frail", "quick"]) tell(key, { type: "add", n: 1 });
  await clock.run(0);
  tell("frail", { type: "crash" });
  for (const key of ["slow", "frail", "quick"]) tell(key, { type: "add", n: 10 });
  await clock.run(50);
  door.open();
  await clock.run(100);
  expect(done).toEqual(["frail 1", "quick 1", "quick 11", "slow 1", "slow 11", "frail 10"]);
  expect(host.counters()).toMatchObject({ crashes: 1, restarts: 1, active: 3 });
});
