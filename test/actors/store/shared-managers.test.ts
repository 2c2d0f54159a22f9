import { expect, test } from "vitest";
import { managersText } from "../../../actors/kinds/text.ts";
import { SharedManagers } from "../../../actors/store/shared-managers.ts";

const managers = (manager: string): string | undefined => managersText(JSON.stringify([{ manager, fieldsV1: { "f:spec": {} } }]));

test("what is held says the same", () => {
  const shared = new SharedManagers();
  expect(shared.shared(managers("é"), undefined)).toBe(managers("é"));
  expect(shared.shared(managers("é"), managers("é"))).toBe(managers("é"));
  expect(shared.shared(managers("é"), undefined)).toBe(managers("é"));
});

test("a version with other managers does not keep those of the one before", () => {
  const shared = new SharedManagers();
  const before = shared.shared(managers("a"), undefined);
  expect(shared.shared(managers("b"), before)).toBe(managers("b"));
  expect(shared.shared(undefined, before)).toBeUndefined();
});

test("more than are remembered are right all the same", () => {
  const shared = new SharedManagers();
  for (let round = 0; round < 2; round++) {
    for (let each = 0; each < 2_000; each++) expect(shared.shared(managers(`m${each}`), undefined)).toBe(managers(`m${each}`));
  }
});
