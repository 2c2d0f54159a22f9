import { describe, expect, test } from "vitest";
import { BUILT_IN_KINDS } from "../../../../actors/kinds/kinds.ts";
import { Choices } from "./choices.ts";
import { fuzz } from "./fuzz.ts";
import { hostileValue, printJson, Raw } from "./hostile.ts";
import { hasSample } from "./samples.ts";

const DURATION_MS = 20_000;

/** The strange requests that `npm run fuzz` makes for ten minutes, for some seconds. */
test(
  "no failure, no crash, no unbounded memory, and what is accepted is an object like any other",
  async () => {
    const { failure, cases } = await fuzz(1, DURATION_MS);
    expect(failure).toBeUndefined();
    expect(cases).toBeGreaterThan(0);
  },
  DURATION_MS * 10,
);

describe("the fuzzer", () => {
  test("has a sample of every kind that can be created, but of definitions, which have cases of their own", () => {
    const missing = BUILT_IN_KINDS.filter((kind) => kind.verbs.includes("create") && !hasSample(kind)).map(({ plural }) => plural);
    expect(missing).toEqual(["customresourcedefinitions"]);
  });

  test("takes the plainest choice when its numbers have ended", () => {
    const choices = new Choices([7]);
    expect([choices.below(5), choices.below(5), choices.of(["plain", "strange"]), choices.once(2)]).toEqual([2, 0, "plain", false]);
  });

  test("prints what JSON.stringify would not", () => {
    expect(printJson({ a: new Raw("1e400"), b: [undefined, "x"] })).toBe('{"a":1e400,"b":[null,"x"]}');
    const deep = Array.from({ length: 20_000 }).reduce((inside: unknown) => [{ a: inside }], 1);
    expect(printJson(deep)).toBe(`${'[{"a":'.repeat(20_000)}1${"}]".repeat(20_000)}`);
    expect(printJson(hostileValue(new Choices([2, 11])))).toContain("__proto__");
  });
});
