import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatIpv4, parseIpv4, parseServiceCidr, pickFree } from "../../../actors/registry/service-range.ts";
import { seededRandom } from "../../../runtime/mod.ts";

describe("addresses", () => {
  test("numbers and texts are the same things", () => {
    fc.assert(fc.property(fc.ipV4(), (text) => formatIpv4(parseIpv4(text) ?? -1) === text));
  });

  test.each(["", "10.0.0", "10.0.0.256", "10.0.0.01", "::1", "10.0.0.1 ", "a.b.c.d"])("%j is no address", (text) => {
    expect(parseIpv4(text)).toBeUndefined();
  });

  test.each([
    ["10.96.0.0/16", "10.96.0.1", "10.96.1.1", "10.96.255.254"],
    ["10.96.7.9/24", "10.96.7.1", "10.96.7.17", "10.96.7.254"],
    ["10.0.0.0/30", "10.0.0.1", "10.0.0.1", "10.0.0.2"],
  ])("%s is handed out from %s, at random from %s, to %s", (cidr, first, dynamic, last) => {
    const range = parseServiceCidr(cidr);
    expect([range.first, range.firstDynamic, range.last].map(formatIpv4)).toEqual([first, dynamic, last]);
  });

  test.each(["10.96.0.0", "10.96.0.0/31", "fd00::/108", "x/16"])("%s is refused", (cidr) => {
    expect(() => parseServiceCidr(cidr)).toThrow(RangeError);
  });
});

describe("pickFree", () => {
  test("every number is handed out once, the reserved ones last", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9 }), fc.integer(), (reserved, seed) => {
        const range = { first: 100, firstDynamic: 100 + reserved, last: 120 };
        const random = seededRandom(seed);
        const taken: number[] = [];
        for (
          let next = pickFree(range, random, (n) => taken.includes(n));
          next !== undefined;
          next = pickFree(range, random, (n) => taken.includes(n))
        ) {
          taken.push(next);
        }
        expect([...taken].sort((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, i) => 100 + i));
        expect(taken.slice(21 - reserved).every((n) => n < range.firstDynamic)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});
