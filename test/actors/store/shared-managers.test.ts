import fc from "fast-check";
import { expect, test } from "vitest";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { encodeObject, managedFieldsOf, wholeText } from "../../../actors/kinds/text.ts";
import { SharedManagers } from "../../../actors/store/shared-managers.ts";

const object = (name: string, more: object = {}): KubeObject =>
  ({ metadata: { name, uid: name, creationTimestamp: "t" }, ...more }) as KubeObject;
const managers = (manager: string): string => JSON.stringify([{ manager, fieldsV1: { "f:spec": {} } }]);

test("what is held is the same text, in two parts", () => {
  const shared = new SharedManagers();
  let before: string | undefined;
  fc.assert(
    fc.property(fc.option(fc.string({ unit: "binary" })), fc.jsonValue(), (manager, spec) => {
      const json = manager === null ? undefined : managers(manager);
      const whole = encodeObject(object("n", { spec }), json);
      const held = shared.apart(whole, before);
      before = held.managers;
      expect(wholeText(held)).toBe(whole);
      expect(held.text).toBe(encodeObject(object("n", { spec })));
      expect(managedFieldsOf(held)).toBe(json);
    }),
  );
});

test("texts that are longer than what they are copied through, too", () => {
  const whole = encodeObject(object("n", { data: "é".repeat(100_000) }), managers("m"));
  expect(wholeText(new SharedManagers().apart(whole, undefined))).toBe(whole);
});

test("a version with other managers does not keep those of the one before, even where these are how its own begin", () => {
  const shared = new SharedManagers();
  const { managers: one } = shared.apart(encodeObject(object("n"), managers("a")), undefined);
  const changed = encodeObject(object("n"), managers("b"));
  expect(wholeText(shared.apart(changed, one))).toBe(changed);
  expect(managedFieldsOf(shared.apart(changed, one))).toBe(managers("b"));
  const bare = encodeObject(object("n"));
  expect(shared.apart(bare, one)).toEqual({ text: bare });
});
