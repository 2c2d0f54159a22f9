import { expect, test } from "vitest";
import type { ObjectText } from "../../../actors/kinds/text.ts";
import { Finding } from "../../../actors/store/finding.ts";
import { StoredEntry } from "../../../actors/store/stored-entry.ts";

const entryOf = (key: string): StoredEntry => new StoredEntry(key, 1, '"name":"x"}}' as ObjectText);

test("what is found in an entry is worked out once, by each finding for itself, and also when it is nothing", () => {
  const worked: string[] = [];
  const length = new Finding<number, void>(({ key }) => {
    worked.push(`length of ${key}`);
    return key.length;
  });
  const nothing = new Finding<undefined, void>(({ key }) => void worked.push(`nothing of ${key}`));
  const [a, bc] = [entryOf("a"), entryOf("bc")];
  for (let i = 0; i < 3; i++) {
    expect([length.of(a), nothing.of(a), length.of(bc)]).toEqual([1, undefined, 2]);
  }
  expect(worked).toEqual(["length of a", "nothing of a", "length of bc"]);
  expect(a).toEqual(entryOf("a"));
});

test("an entry that a view did not make is looked at each time", () => {
  const revision = new Finding(({ revision }, plus: number) => revision + plus);
  const entry = entryOf("a").toJSON();
  expect([revision.of(entry, 1), revision.of(entry, 2)]).toEqual([2, 3]);
});
