import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  QuantityError,
  quantityMilliValue,
  quantityValue,
  subtractQuantities,
} from "../../../../actors/kinds/machinery/quantity.ts";

describe("canonical form", () => {
  test.each([
    ["0", "0"],
    [1, "1"],
    [0.1, "100m"],
    ["0.5", "500m"],
    ["2000m", "2"],
    ["1.0005", "1000500u"],
    ["1000000k", "1G"],
    ["1.5Gi", "1536Mi"],
    ["2048Mi", "2Gi"],
    ["0.5Ki", "512"],
    ["1024", "1024"],
    ["1E", "1E"],
    ["1Ei", "1Ei"],
    ["1e3", "1e3"],
    ["12e6", "12e6"],
    ["-5", "-5"],
    ["+5", "5"],
    ["0.1n", "1n"],
    ["-0.1n", "-1n"],
    ["9Ei", "9223372036854775807"],
  ])("%s is %s", (wire, text) => {
    expect(canonicalQuantity(wire)).toBe(text);
  });

  const formatWords = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  test.each([
    ["lots", formatWords],
    ["", formatWords],
    ["1.2.3", formatWords],
    ["1Q", formatWords],
    ["1KiM", "unable to parse quantity's suffix"],
    ["1e", "unable to parse quantity's suffix"],
  ])("%j is refused", (wire, words) => {
    expect(() => canonicalQuantity(wire)).toThrow(new QuantityError(words));
  });

  test("no exponent keeps the server busy", () => {
    expect(() => canonicalQuantity("1e999999999")).toThrow(QuantityError);
    expect(() => canonicalQuantity("9".repeat(100_000))).toThrow(QuantityError);
  });
});

const texts = fc
  .tuple(
    fc.integer({ min: -1_000_000, max: 1_000_000 }),
    fc.option(fc.nat(999), { nil: undefined }),
    fc.constantFrom("", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3"),
  )
  .map(([whole, fraction, suffix]) => `${whole}${fraction === undefined ? "" : `.${fraction}`}${suffix}`);

describe("properties", () => {
  test("the canonical form is canonical, and means the same", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const canonical = canonicalQuantity(text);
        expect(canonicalQuantity(canonical)).toBe(canonical);
        expect(parseQuantity(canonical).nano).toBe(parseQuantity(text).nano);
      }),
    );
  });

  test("sums, differences and order agree", () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const [x, y] = [parseQuantity(a), parseQuantity(b)];
        expect(subtractQuantities(addQuantities(x, y), y).nano).toBe(x.nano);
        expect(Math.sign(compareQuantities(x, y))).toBe(-Math.sign(compareQuantities(y, x)) + 0);
        expect(parseQuantity(formatQuantity(addQuantities(x, y))).nano).toBe(x.nano + y.nano);
      }),
    );
  });
});

test("values are rounded away from zero", () => {
  expect(quantityMilliValue(parseQuantity("0.0001"))).toBe(1);
  expect(quantityMilliValue(parseQuantity("1.5"))).toBe(1500);
  expect(quantityValue(parseQuantity("1500m"))).toBe(2);
  expect(quantityValue(parseQuantity("-1500m"))).toBe(-2);
  expect(quantityValue(parseQuantity("256Gi"))).toBe(256 * 2 ** 30);
});
