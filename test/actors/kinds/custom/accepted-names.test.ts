import { describe, expect, test } from "vitest";
import { statusOf } from "../../../../actors/kinds/custom/accepted-names.ts";
import type { CustomResourceDefinition } from "../../../../actors/kinds/generated/types.ts";

const NOW = "2026-01-01T00:00:00Z";

function wanting(names: object, accepted?: CustomResourceDefinition): CustomResourceDefinition {
  const all = { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList", ...names };
  const made = { metadata: { name: "x" }, spec: { group: "example.com", names: all }, status: accepted?.status };
  return made as unknown as CustomResourceDefinition;
}

function accepted(names: object): CustomResourceDefinition {
  const definition = wanting(names);
  return { ...definition, status: statusOf(definition, [], NOW) };
}

function conditions(definition: CustomResourceDefinition, others: readonly CustomResourceDefinition[]): string[] {
  return (statusOf(definition, others, NOW).conditions ?? []).map(
    ({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`,
  );
}

const OTHER = { plural: "others", singular: "other", kind: "Other", listKind: "OtherList" };

describe("statusOf", () => {
  test("free names are accepted, and the definition established", () => {
    expect(conditions(wanting({}), [accepted(OTHER)])).toEqual([
      "NamesAccepted True NoConflicts: no conflicts found",
      "Established True InitialNamesAccepted: the initial names have been accepted",
    ]);
  });

  test.each([
    [{ plural: "others" }, 'PluralConflict: "others" is already in use'],
    [{ singular: "other" }, 'SingularConflict: "other" is already in use'],
    [{ kind: "Other" }, 'KindConflict: "Other" is already in use'],
    [{ listKind: "OtherList" }, 'ListKindConflict: "OtherList" is already in use'],
    [{ shortNames: ["other", "t"] }, 'ShortNamesConflict: "other" is already in use'],
  ])("%j is taken", (names, words) => {
    expect(conditions(wanting(names), [accepted(OTHER)])).toEqual([
      `NamesAccepted False ${words}`,
      "Established False NotAccepted: not all names are accepted",
    ]);
  });

  test("what has its names keeps its status, and what is established stays so", () => {
    const mine = accepted({});
    expect(statusOf(mine, [], "2027-01-01T00:00:00Z")).toBe(mine.status);
    expect(conditions(wanting({ shortNames: ["other"] }, mine), [accepted(OTHER)])).toEqual([
      'NamesAccepted False ShortNamesConflict: "other" is already in use',
      "Established True InitialNamesAccepted: the initial names have been accepted",
    ]);
  });
});
