import { describe, expect, test } from "vitest";
import { CelFailure } from "../../../../actors/kinds/cel/failures.ts";
import type { Device } from "../../../../actors/kinds/generated/types.ts";
import { checkedSelector, DeviceSelectorProgram } from "../../../../actors/kinds/resource/device-selector.ts";

const GPU: Pick<Device, "attributes" | "capacity"> = {
  attributes: { model: { string: "fish" }, cores: { int: 8 }, ecc: { bool: true }, "other.example.com/driver": { version: "1.2.0" } },
  capacity: { memory: { value: "1Mi" } },
};

function matches(expression: string, device = GPU): boolean {
  return new DeviceSelectorProgram(expression).matches("dra.example.com", device);
}

describe("devices are chosen by what is said of them", () => {
  test.each<[string, boolean]>([
    ['device.driver == "dra.example.com"', true],
    ['device.attributes["dra.example.com"].model == "fish"', true],
    ['device.attributes["dra.example.com"]["cores"] > 8', false],
    ['device.attributes["dra.example.com"].ecc', true],
    ['device.attributes["other.example.com"].driver.isGreaterThan(semver("1.1.9"))', true],
    ['device.capacity["dra.example.com"].memory.compareTo(quantity("1Ki")) > 0', true],
    ['cel.bind(own, device.attributes["dra.example.com"], own.ecc && own.cores == 8)', true],
    // A domain that nothing is known of is empty, and yet is not there.
    ['has(device.attributes["no.example.com"].model)', false],
    ['"no.example.com" in device.attributes', false],
    ['"dra.example.com" in device.attributes', true],
    ['"model" in device.attributes["no.example.com"]', false],
    ['device.attributes.exists_one(domain, domain == "dra.example.com")', true],
  ])("%s: %s", (expression, expected) => {
    expect(matches(expression)).toBe(expected);
  });

  test.each([
    ['device.attributes["no.example.com"].model == "fish"', "no such key: model"],
    ['device.attributes["dra.example.com"].model', "CEL result of type string could not be converted to bool: unsupported type conversion"],
  ])("%s fails", (expression, words) => {
    expect(() => matches(expression)).toThrow(new CelFailure(words));
  });
});

/** What cel-go's estimator says. Source: compile_test.go of k8s.io/dynamic-resource-allocation/cel. */
test.each<[string, number]>([
  ["true", 0],
  ['"dra.example.com" in device.attributes', 3],
  ['device.driver == "dra.example.com"', 4],
  ['device.attributes["dra.example.com"].name', 4],
  ['cel.bind(dra, device.attributes["dra.example.com"], dra.name)', 15],
  ['device.capacity["dra.example.com"].name.isGreaterThan(quantity("1Ki"))', 6],
  ['device.attributes.exists_one(x, x == "dra.example.com")', 164],
  ['device.attributes["dra.example.com"].exists_one(x, x == "services")', 133],
  ['device.attributes["dra.example.com"].services.split("example").size() >= 2', 19],
  ['device.attributes["dra.example.com"].services.matches("[^a]?sym")', 18],
])("%s costs %d at most", (expression, cost) => {
  expect(checkedSelector(expression)).toEqual({ cost });
});

test.each([
  ["1", "must evaluate to bool or the unknown type, not int"],
  ["?!", "compilation failed: ERROR: <input>:1:1: Syntax error"],
  ["device.allowMultipleAllocations", "undefined field 'allowMultipleAllocations'"],
  ["device.attributes[true].name", "found no matching overload for '_[_]' applied to '(map(string, map(string, any)), bool)'"],
])("%s is refused", (expression, words) => {
  expect(checkedSelector(expression)).toEqual({ problem: expect.stringContaining(words) });
});
