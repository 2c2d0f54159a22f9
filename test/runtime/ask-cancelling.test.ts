import { expect, test } from "vitest";
import { type AskFailed, addressOf, Directory, Host, loopbackNetwork, type Sender, seededRandom, virtualClock } from "../../runtime/mod.ts";
import { type Gate, gate, kindOf, recordingLog } from "./stage.ts";

type Told = { type: "work"; n: number } | { type: "keep" };

const to = addressOf("worker", "x");
const work = (n: number): Told => ({ type: "work", n });

/** Two hosts; the worker lives on `back`, and takes up a turn when the door is open. */
function pair() {
  const clock = virtualClock();
  const network = loopbackNetwork();
  const directory = new Directory([
    { host: "front", kinds: ["nothing"] },
    { host: "back", kinds: ["worker"] },
  ]);
  const [front, back] = ["front", "back"].map((name, seed) => {
    const { log } = recordingLog();
    return new Host({ name, clock, random: seededRandom(seed), log, directory, transport: network.join(name) });
  });
  if (front === undefined || back === undefined) throw new Error("two hosts were made");
  const door: Gate = gate();
  const handled: number[] = [];
  const kept: Sender[] = [];
  back.register(
    kindOf<Told>("worker", () => async (message, sender) => {
      if (message.type === "keep") {
        kept.push(sender);
        return;
      }
      await door.opened;
      handled.push(message.n);
      sender.answer(message.n);
    }),
  );
  return { clock, network, front, back, door, handled, kept };
}

/** How an ask ended. */
const outcome = (ask: Promise<unknown>): Promise<unknown> => ask.catch((error: AskFailed) => error.code);

/** The same from the host of the actor, and from another. */
const PLACES = ["back", "front"] as const;

test.each(PLACES)("asked from %s: a message that still waits when its ask is cancelled is not handled, others are", async (place) => {
  const { clock, back, door, handled, ...hosts } = pair();
  const host = place === "back" ? back : hosts.front;
  const abort = new AbortController();
  const ask = (n: number, signal?: AbortSignal) => outcome(host.messenger.ask(to, work(n), signal === undefined ? {} : { signal }));
  const asks = [ask(1), ask(2, abort.signal), ask(3), ask(4, abort.signal)];
  await clock.run(0);
  abort.abort();
  expect(await asks[1]).toBe("cancelled");
  await clock.run(0);
  door.open();
  await clock.run(0);
  expect(await Promise.all(asks)).toEqual([1, "cancelled", 3, "cancelled"]);
  expect(handled).toEqual([1, 3]);
  expect(back.counters()).toMatchObject({ cancelled: 2, delivered: 2, queued: 0, asksWaiting: 0 });
  expect(host.counters()).toMatchObject({ asksWaiting: 0, lateAnswers: 0 });
});

test.each(PLACES)("asked from %s: an ask whose turn has begun ends for the asker alone, and the handler can see it", async (place) => {
  const { clock, back, kept, ...hosts } = pair();
  const host = place === "back" ? back : hosts.front;
  const abort = new AbortController();
  const ask = outcome(host.messenger.ask(to, { type: "keep" }, { signal: abort.signal }));
  await clock.run(0);
  expect(kept[0]?.cancelled).toBe(false);
  abort.abort();
  expect(await ask).toBe("cancelled");
  await clock.run(0);
  expect(kept[0]?.cancelled).toBe(true);
  kept[0]?.answer("too late");
  await clock.run(0);
  expect(host.counters().asksWaiting).toBe(0);
});

test.each(PLACES)("asked from %s: a signal that was aborted before lets nothing be sent", async (place) => {
  const { clock, back, door, handled, ...hosts } = pair();
  const host = place === "back" ? back : hosts.front;
  door.open();
  expect(await outcome(host.messenger.ask(to, work(1), { signal: AbortSignal.abort() }))).toBe("cancelled");
  await clock.run(0);
  expect(handled).toEqual([]);
  expect([back.counters().active, host.counters().asksWaiting]).toEqual([0, 0]);
});

test("the end of an ask lets go of its signal, and a cancel that comes after changes nothing", async () => {
  const { clock, front, door, network } = pair();
  door.open();
  const abort = new AbortController();
  let listeners = 0;
  const { signal } = abort;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners += 1;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners -= 1;
    removeEventListener.apply(signal, args);
  };
  const asks = [1, 2, 3].map((n) => outcome(front.messenger.ask(to, work(n), { signal })));
  expect(listeners).toBe(3);
  await clock.run(0);
  expect(await Promise.all(asks)).toEqual([1, 2, 3]);
  expect(listeners).toBe(0);
  const { frames } = network;
  abort.abort();
  await clock.run(0);
  expect(network.frames, "nothing is cancelled that was answered").toBe(frames);
});

test("a deadline drops the message of a cancellable ask on the other host as well: nobody waits for it", async () => {
  const { clock, front, back, door, handled } = pair();
  const { signal } = new AbortController();
  const first = outcome(front.messenger.ask(to, work(1)));
  const second = outcome(front.messenger.ask(to, work(2), { signal, deadline_ms: 100 }));
  await clock.run(200);
  door.open();
  await clock.run(0);
  expect(await Promise.all([first, second])).toEqual([1, "deadline"]);
  expect(handled).toEqual([1]);
  expect(back.counters().cancelled).toBe(1);
});
