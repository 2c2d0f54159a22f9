import fc from "fast-check";
import { expect, test } from "vitest";
import { RETRY_MAX_MS, WorkQueue } from "../../../actors/controllers/work-queue.ts";

test("a key is handed out once, and again after it was added while in flight", () => {
  const queue = new WorkQueue(() => 0);
  expect([queue.add("a", 0), queue.add("a", 0), queue.add("b", 0)]).toEqual([true, false, true]);
  expect([queue.take(0), queue.take(0), queue.take(0)]).toEqual(["a", "b", undefined]);
  queue.add("a", 1);
  expect(queue.take(1)).toBeUndefined();
  queue.done("a", 2);
  expect(queue.take(2)).toBe("a");
});

test("rounds of one key start at least the pace apart; the first starts at once", () => {
  const queue = new WorkQueue(() => 25);
  queue.add("a", 100);
  expect(queue.take(100)).toBe("a");
  queue.done("a", 101);
  queue.add("a", 102);
  expect(queue.nextDue_ms()).toBe(125);
  expect(queue.take(124)).toBeUndefined();
  expect(queue.take(125)).toBe("a");
});

test("retries wait twice as long each time, up to a limit, and from the start again after a success", () => {
  const queue = new WorkQueue(() => 0);
  expect([1, 2, 3, 4].map(() => queue.retryAfter_ms("a"))).toEqual([5, 10, 20, 40]);
  for (let i = 0; i < 30; i++) queue.retryAfter_ms("a");
  expect(queue.retryAfter_ms("a")).toBe(RETRY_MAX_MS);
  queue.succeeded("a");
  expect(queue.retryAfter_ms("a")).toBe(5);
});

const step = fc.oneof(
  fc.record({ do: fc.constant("add" as const), key: fc.constantFrom("a", "b", "c") }),
  fc.record({ do: fc.constant("addAt" as const), key: fc.constantFrom("a", "b", "c"), in_ms: fc.nat(50) }),
  fc.record({ do: fc.constant("take" as const) }),
  fc.record({ do: fc.constant("done" as const), key: fc.constantFrom("a", "b", "c") }),
  fc.record({ do: fc.constant("pass" as const), ms: fc.nat(30) }),
);

test("no key is lost, none is in flight twice, whatever is done", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 7), (steps, pace_ms) => {
      const queue = new WorkQueue(() => pace_ms);
      const inFlight = new Set<string>();
      /** Keys that somebody waits for, with the latest time by which they must have been handed out. */
      const owed = new Set<string>();
      let now_ms = 0;
      const take = (): string | undefined => {
        const key = queue.take(now_ms);
        if (key === undefined) return undefined;
        expect(inFlight.has(key)).toBe(false);
        inFlight.add(key);
        owed.delete(key);
        return key;
      };
      for (const one of steps) {
        if (one.do === "pass") now_ms += one.ms;
        else if (one.do === "take") take();
        else if (one.do === "done") {
          if (inFlight.delete(one.key)) queue.done(one.key, now_ms);
        } else {
          owed.add(one.key);
          if (one.do === "add") queue.add(one.key, now_ms);
          else queue.addAt(one.key, now_ms + one.in_ms);
        }
      }
      for (const key of inFlight) queue.done(key, now_ms);
      inFlight.clear();
      now_ms += 100;
      while (take() !== undefined);
      expect([...owed]).toEqual([]);
      expect(queue.nextDue_ms() === undefined || pace_ms > 0).toBe(true);
    }),
  );
});
