import { expect, test } from "vitest";
import { parseQuantity } from "../../../../cluster/console/web/objects/quantity.ts";

test.each([
  ["4", 4],
  ["100m", 0.1],
  ["1.5Gi", 1.5 * 2 ** 30],
  ["2k", 2_000],
  ["1e3", 1_000],
  ["nothing", 0],
])("%s is %d", (text, number) => {
  expect(parseQuantity(text)).toBeCloseTo(number, 9);
});
