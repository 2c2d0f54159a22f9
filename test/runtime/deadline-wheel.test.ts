import fc from "fast-check";
import { expect, test } from "vitest";
import { DEADLINE_TICK_MS, Deadline, DeadlineWheel } from "../../runtime/deadline-wheel.ts";
import { virtualClock } from "../../runtime/mod.ts";

/** Rounding up, the tick that had begun when it was set, and the wait for the next look. */
const LATE_MAX_MS = 3 * DEADLINE_TICK_MS;

class Recorded extends Deadline {
  expired_ms: number[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    super();
    this.#now = now;
  }

  override expired(): void {
    this.expired_ms.push(this.#now());
  }
}

test("every deadline expires once, never early and at most three ticks late, unless it is removed", () => {
  const step = fc.record({
    delay_ms: fc.integer({ min: 0, max: 60_000 }),
    pause_ms: fc.integer({ min: 0, max: 700 }),
    remove: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const clock = virtualClock();
      const wheel = new DeadlineWheel(clock);
      const added = steps.map(({ delay_ms, pause_ms, remove }) => {
        const deadline = new Recorded(() => clock.monotonic_ms());
        wheel.add(deadline, delay_ms);
        const due_ms = clock.monotonic_ms() + delay_ms;
        if (remove) wheel.remove(deadline);
        clock.advance(pause_ms);
        return { deadline, due_ms, remove };
      });
      clock.advance(61_000);
      for (const { deadline, due_ms, remove } of added) {
        expect(deadline.expired_ms.length).toBe(remove ? 0 : 1);
        for (const at_ms of deadline.expired_ms) {
          expect(at_ms).toBeGreaterThanOrEqual(due_ms);
          expect(at_ms).toBeLessThanOrEqual(due_ms + LATE_MAX_MS);
        }
      }
      expect(wheel.waiting).toBe(0);
      expect(clock.pending(), "an empty wheel asks for no timer").toBe(0);
    }),
  );
});

test("a wheel that finds itself far behind still expires all", () => {
  let now_ms = 0;
  const fires: (() => void)[] = [];
  const wheel = new DeadlineWheel({
    now_ms: () => now_ms,
    monotonic_ms: () => now_ms,
    after: (_delay_ms, fire) => {
      fires.push(fire);
      return { cancel() {} };
    },
  });
  const deadlines = Array.from({ length: 3_000 }, () => new Recorded(() => now_ms));
  for (const [index, deadline] of deadlines.entries()) wheel.add(deadline, index * 10);
  now_ms = 3_600_000;
  fires.shift()?.();
  expect(deadlines.every((deadline) => deadline.expired_ms.length === 1)).toBe(true);
});

test("clear takes out what waits and expires nothing", () => {
  const clock = virtualClock();
  const wheel = new DeadlineWheel(clock);
  const deadline = new Recorded(() => clock.monotonic_ms());
  wheel.add(deadline, 100_000);
  expect(wheel.clear()).toEqual([deadline]);
  clock.advance(200_000);
  expect(deadline.expired_ms).toEqual([]);
  expect(clock.pending()).toBe(0);
});
