import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom, virtualClock } from "../../runtime/mod.ts";

test("timers fire in order of due time, then of setting, each at its moment, unless cancelled", () => {
  const timer = fc.record({ delay_ms: fc.integer({ min: 0, max: 50 }), cancel: fc.boolean() });
  fc.assert(
    fc.property(fc.array(timer, { maxLength: 50 }), (timers) => {
      const clock = virtualClock(1_000);
      const fired: [number, number][] = [];
      const set = timers.map(({ delay_ms }, index) => clock.after(delay_ms, () => void fired.push([clock.monotonic_ms(), index])));
      timers.forEach(({ cancel }, index) => {
        if (cancel) set[index]?.cancel();
      });
      clock.advance(50);
      const kept = timers.map(({ delay_ms, cancel }, index) => ({ delay_ms, cancel, index })).filter(({ cancel }) => !cancel);
      kept.sort((a, b) => a.delay_ms - b.delay_ms || a.index - b.index);
      expect(fired).toEqual(kept.map(({ delay_ms, index }) => [delay_ms, index]));
      expect(clock.now_ms()).toBe(1_050);
      expect(clock.pending()).toBe(0);
    }),
  );
});

test("a timer set by a timer fires within the same advance, at its own moment", () => {
  const clock = virtualClock(0);
  const fired: number[] = [];
  const again = () => {
    fired.push(clock.now_ms());
    if (fired.length < 5) clock.after(10, again);
  };
  clock.after(10, again);
  clock.advance(35);
  expect(fired).toEqual([10, 20, 30]);
});

test("the same seed gives the same sequence, another seed another", () => {
  const take = (seed: number) => {
    const random = seededRandom(seed);
    return [random.next(), random.below(1_000), random.uuid()];
  };
  expect(take(7)).toEqual(take(7));
  expect(take(7)).not.toEqual(take(8));
});

test("seeded numbers stay in range and fill it, uuids are version 4", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = seededRandom(seed);
      const counts = [0, 0, 0, 0];
      for (let index = 0; index < 400; index++) {
        const at = random.below(4);
        counts[at] = (counts[at] ?? Number.NaN) + 1;
        const float = random.next();
        expect(float >= 0 && float < 1).toBe(true);
      }
      for (const count of counts) expect(count).toBeGreaterThan(40);
      expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }),
  );
});
