import { expect, test } from "vitest";
import { type Life, Renewal } from "../../../cluster/pki/renewal.ts";
import { seededRandom, silentLogger, type VirtualClock, virtualClock } from "../../../runtime/mod.ts";

const DAY_MS = 24 * 3_600_000;
const YEAR_MS = 365 * DAY_MS;

interface Renewed {
  readonly lives: Life[];
  readonly renewal: Renewal;
  attempts: number;
}

/** Something with a life, which is renewed; not while `refuses`. */
function renewed(clock: VirtualClock, first: Life, length_ms: number, refuses: () => boolean = () => false): Renewed {
  const lives = [first];
  const found: Renewed = {
    lives,
    attempts: 0,
    renewal: new Renewal({
      clock,
      random: seededRandom(1),
      log: silentLogger,
      what: "a certificate",
      life: first,
      renew: async () => {
        found.attempts++;
        if (refuses()) throw new Error("the API does not answer");
        const life = { from_ms: clock.now_ms(), to_ms: clock.now_ms() + length_ms };
        lives.push(life);
        return life;
      },
    }),
  };
  return found;
}

const lifeFrom = (from_ms: number, length_ms: number): Life => ({ from_ms, to_ms: from_ms + length_ms });

test.each([
  ["a certificate of a year", YEAR_MS],
  ["credentials of a day", DAY_MS],
])("%s is renewed again and again before it ends, in the last third of its life", async (_what, length_ms) => {
  const clock = virtualClock();
  const { lives, renewal } = renewed(clock, lifeFrom(clock.now_ms(), length_ms), length_ms);
  await clock.run(10 * length_ms);
  renewal.cancel();
  const shares = lives.slice(1).map(({ from_ms }, index) => (from_ms - (lives[index]?.from_ms ?? 0)) / length_ms);
  expect(shares.length).toBeGreaterThanOrEqual(10);
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.7);
  expect(Math.max(...shares)).toBeLessThan(0.91);
  expect(new Set(shares).size).toBe(shares.length);
  await clock.run(2 * length_ms);
  expect(lives).toHaveLength(shares.length + 1);
});

test("what cannot be renewed is tried again, ever less often but each minute at least, and in time", async () => {
  const clock = virtualClock();
  let refusing = true;
  const found = renewed(clock, lifeFrom(clock.now_ms(), DAY_MS), DAY_MS, () => refusing);
  const { lives } = found;
  await clock.run(0.98 * DAY_MS);
  expect(found.attempts).toBeGreaterThan(60);
  const before = found.attempts;
  await clock.run(60_000);
  expect(found.attempts - before).toBeGreaterThanOrEqual(1);
  refusing = false;
  await clock.run(61_000);
  expect(lives).toHaveLength(2);
  expect(lives[1]?.from_ms).toBeLessThan(lives[0]?.to_ms ?? 0);
  found.renewal.cancel();
});

test("what ended while nobody was there is renewed at once", async () => {
  const clock = virtualClock();
  const { lives, renewal } = renewed(clock, lifeFrom(clock.now_ms() - 2 * DAY_MS, DAY_MS), DAY_MS);
  await clock.run(1);
  expect(lives).toHaveLength(2);
  renewal.cancel();
});
