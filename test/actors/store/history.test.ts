import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { ObjectText } from "../../../actors/kinds/text.ts";
import { History } from "../../../actors/store/history.ts";
import { PackedTexts } from "../../../actors/store/packed-texts.ts";
import { StoredEntry } from "../../../actors/store/stored-entry.ts";
import type { Change, Entry } from "../../../actors/store/view.ts";
import { type Random, seededRandom } from "../../../runtime/mod.ts";

/** So that chunks are full, compressed and read again. */
const TEXT_UNITS_MAX = 12_000;

function randomText(random: Random, units: number): ObjectText {
  const word = random.below(4) === 0 ? "größer 猫🐈" : random.uuid();
  return `"name":"${word.repeat(Math.ceil(units / word.length))}"}}` as ObjectText;
}

/** Changes as a store makes them, with all of their entries kept: what a history is to say. */
function* changes(random: Random, count: number, held: Map<string, Entry>): Generator<Change> {
  for (let revision = 1; revision <= count; revision++) {
    const key = `pods/ns/p-${random.below(40)}`;
    const before = held.get(key);
    const managers = random.below(2) === 0 ? undefined : `"managedFields":[{"manager":"m${random.below(9)}"}],`;
    const isDeleted = before !== undefined && random.below(4) === 0;
    const now = isDeleted ? undefined : new StoredEntry(key, revision, randomText(random, random.below(TEXT_UNITS_MAX)), managers);
    if (now === undefined) held.delete(key);
    else held.set(key, now);
    yield { resource: "pods", revision, now, before };
  }
}

describe("the history of a resource says", () => {
  test.each([1, 2, 3])("what was pushed, from any revision on, whatever was forgotten and compressed: seed %i", async (seed) => {
    const random = seededRandom(seed);
    const held = new Map<string, Entry>();
    const history = new History("pods", (key) => held.get(key));
    const pushed: Change[] = [];
    let forgotten = 0;
    for (const change of changes(random, 4_000, held)) {
      history.push(change);
      pushed.push(change);
      if (random.below(500) === 0) {
        forgotten = Math.max(forgotten, change.revision - 1 - random.below(2_500));
        history.forgetThrough(forgotten);
        await sleep(5);
      }
      if (random.below(200) !== 0) continue;
      const since = forgotten + random.below(change.revision - forgotten + 1);
      const max = 1 + random.below(50);
      expect(history.after(since, max)).toStrictEqual(pushed.slice(since, since + max));
      expect(history.newest).toBe(change.revision);
    }
    await sleep(200);
    expect(history.after(forgotten)).toStrictEqual(pushed.slice(forgotten));
    const [at, then] = [forgotten + random.below(1_000), new Map<string, Entry | undefined>()];
    for (const { now, before } of pushed.slice(at)) {
      const key = (now ?? before)?.key ?? "";
      if (!then.has(key)) then.set(key, before);
    }
    expect(history.heldAt(at)).toStrictEqual(then);
    expect([...history.heldAt(at, (key) => key.endsWith("7")).keys()]).toStrictEqual([...then.keys()].filter((key) => key.endsWith("7")));
    history.forgetThrough(4_000);
    expect(history.after(0)).toStrictEqual([]);
  });
});

describe("packed texts", () => {
  test("are compressed but for the newest, and those that are forgotten are not to be had", async () => {
    const texts = new PackedTexts();
    const random = seededRandom(7);
    const places = Array.from({ length: 2_000 }, (_, index) =>
      texts.add({ text: `${index} ${"x".repeat(random.below(9_000))}` as ObjectText }),
    );
    await expect.poll(() => texts.bytes, { timeout: 10_000 }).toBeLessThan(5 * 1024 * 1024);
    expect(places.every((place, index) => texts.read(place).text.startsWith(`${index} x`))).toBe(true);
    const half = places[1_000] as number;
    texts.forgetBefore(half);
    expect(texts.read(half).text).toMatch(/^1000 /);
    expect(() => texts.read(places[0] as number)).toThrow("forgotten");
  });

  test("may be larger than a chunk, and have characters of any kind", () => {
    const texts = new PackedTexts();
    const all = ["small", "ä".repeat(3_000_000), "", "🐈".repeat(5_000), "last"].map((text) => ({ text: text as ObjectText }));
    const places = all.map((stored) => texts.add(stored));
    expect(places.map((place) => texts.read(place))).toStrictEqual(all);
  });
});
