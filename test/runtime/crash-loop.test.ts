import { describe, expect, test } from "vitest";
import type { RestartStrategy } from "../../runtime/actor.ts";
import { CrashLoop } from "../../runtime/crash-loop.ts";

const PLAIN: RestartStrategy = { strategy: "restart", backoff_ms: 100, backoff_max_ms: 1_000 };
const limited = (restarts_max: number, within_ms: number): RestartStrategy => ({
  ...PLAIN,
  limit: { restarts_max, within_ms, beyond: "escalate" },
});

/** Crashes at these moments, and for each what was decided: the delay, or the end. */
const TABLE: readonly {
  about: string;
  strategy: RestartStrategy;
  crashes: readonly (readonly [at_ms: number, decided: number | string])[];
}[] = [
  {
    about: "the backoff doubles up to its maximum",
    strategy: PLAIN,
    crashes: [
      [0, 100],
      [100, 200],
      [300, 400],
      [700, 800],
      [1_500, 1_000],
      [2_500, 1_000],
    ],
  },
  {
    about: "a life as long as the maximum ends the row, a shorter one does not; the wait is no life",
    strategy: PLAIN,
    crashes: [
      [0, 100],
      [1_099, 200],
      [2_299, 100],
    ],
  },
  { about: "no limit but zero restarts: the first crash is the last", strategy: limited(0, 1_000), crashes: [[0, "escalate"]] },
  {
    about: "more than two restarts within a second are too many",
    strategy: limited(2, 1_000),
    crashes: [
      [0, 100],
      [200, 200],
      [900, "escalate"],
    ],
  },
  {
    about: "restarts count for so long and no longer",
    strategy: limited(2, 1_000),
    crashes: [
      [0, 100],
      [999, 200],
      [1_000, 400],
      [1_998, "escalate"],
    ],
  },
];

describe("what follows on crashes", () => {
  test.each(TABLE)("$about", ({ strategy, crashes }) => {
    const loop = new CrashLoop();
    const decided = crashes.map(([at_ms]) => {
      const after = loop.crashed(at_ms, "told to", strategy);
      return [at_ms, after.restart_ms ?? after.follows];
    });
    expect(decided).toEqual(crashes);
  });

  test("what can be seen of a row: how long it is, until it is over, and when the next life begins", () => {
    const loop = new CrashLoop();
    expect(loop.crashes(0, PLAIN)).toBe(0);
    loop.crashed(0, "first", PLAIN);
    loop.crashed(150, "second", PLAIN);
    expect(loop.error).toBe("second");
    expect([loop.crashes(150, PLAIN), loop.restartIn_ms(200)]).toEqual([2, 150]);
    expect([loop.crashes(1_349, PLAIN), loop.restartIn_ms(1_349)]).toEqual([2, 0]);
    expect(loop.crashes(1_350, PLAIN)).toBe(0);
  });
});
