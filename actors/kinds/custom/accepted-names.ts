/**
 * Which of the names that a CustomResourceDefinition wants it gets, and what its status says of it. Source: apiextensions-apiserver's
 * pkg/controller/status/naming_controller.go and pkg/controller/establish.
 */
import type { CustomResourceDefinition, CustomResourceDefinitionCondition, CustomResourceDefinitionNames } from "../generated/types.ts";

/** Holds a definition until its objects are gone. */
export const CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io";

export type DefinitionStatus = NonNullable<CustomResourceDefinition["status"]>;

const NO_NAMES: CustomResourceDefinitionNames = { kind: "", plural: "" };

/** A condition that is to hold; the time is told when it comes to be. */
type Wanted = Omit<CustomResourceDefinitionCondition, "lastTransitionTime">;

/** The status that the definition should have beside the others of its group; the same object when it has it. */
export function statusOf(definition: CustomResourceDefinition, others: readonly CustomResourceDefinition[], now: string): DefinitionStatus {
  const status: DefinitionStatus = definition.status ?? { acceptedNames: NO_NAMES, conditions: [], storedVersions: [] };
  const accepted = status.acceptedNames ?? NO_NAMES;
  const { names, conflict } = acceptedNames(definition.spec.names, accepted, others);
  const before = status.conditions ?? [];
  const wasEstablished = before.some(({ type, status: is }) => type === "Established" && is === "True");
  const wanted: Wanted[] = [conflict ?? { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" }];
  // Once it is used by clients it is not taken from them because a name of it was changed to one that is taken.
  if (!wasEstablished) {
    wanted.push(
      conflict === undefined
        ? { type: "Established", status: "True", reason: "InitialNamesAccepted", message: "the initial names have been accepted" }
        : { type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted" },
    );
  }
  const conditions = wanted.reduce<readonly CustomResourceDefinitionCondition[]>(
    (all, condition) => withCondition(all, condition, now),
    before,
  );
  if (conditions === before && sameNames(names, accepted)) return status;
  return { ...status, acceptedNames: names, conditions: [...conditions] };
}

/** The conditions with this one, dated by when its status changed; the same list when nothing changes. */
export function withCondition(
  conditions: readonly CustomResourceDefinitionCondition[],
  wanted: Wanted,
  now: string,
): readonly CustomResourceDefinitionCondition[] {
  const before = conditions.find(({ type }) => type === wanted.type);
  if (before === undefined) return [...conditions, { ...wanted, lastTransitionTime: now }];
  if (before.status === wanted.status && before.reason === wanted.reason && before.message === wanted.message) return conditions;
  const lastTransitionTime = before.status === wanted.status ? (before.lastTransitionTime ?? now) : now;
  return conditions.map((one) => (one === before ? { ...wanted, lastTransitionTime } : one));
}

function sameNames(a: CustomResourceDefinitionNames, b: CustomResourceDefinitionNames): boolean {
  const text = (names: CustomResourceDefinitionNames): string =>
    JSON.stringify([names.plural, names.singular, names.kind, names.listKind, names.shortNames ?? [], names.categories ?? []]);
  return text(a) === text(b);
}

interface Acceptance {
  readonly names: CustomResourceDefinitionNames;
  /** The last of the names that are taken. */
  readonly conflict: Wanted | undefined;
}

function acceptedNames(
  wanted: CustomResourceDefinitionNames,
  accepted: CustomResourceDefinitionNames,
  others: readonly CustomResourceDefinition[],
): Acceptance {
  const theirs = others.map(({ status }) => status?.acceptedNames ?? NO_NAMES);
  const resources = new Set(theirs.flatMap(({ plural, singular = "", shortNames = [] }) => [plural, singular, ...shortNames]));
  const kinds = new Set(theirs.flatMap(({ kind, listKind = "" }) => [kind, listKind]));
  let conflict: Wanted | undefined;
  const take = (reason: string, name: string | undefined, mine: string | undefined, used: ReadonlySet<string>): string | undefined => {
    if (name === mine || name === undefined || !used.has(name)) return name;
    conflict = { type: "NamesAccepted", status: "False", reason, message: `${JSON.stringify(name)} is already in use` };
    return mine;
  };
  const plural = take("PluralConflict", wanted.plural, accepted.plural, resources) ?? "";
  const singular = take("SingularConflict", wanted.singular, accepted.singular, resources);
  const taken = (wanted.shortNames ?? []).filter((name) => accepted.shortNames?.includes(name) !== true && resources.has(name));
  if (taken.length > 0) {
    const words = taken.map((name) => `${JSON.stringify(name)} is already in use`);
    const message = words.length === 1 ? (words[0] ?? "") : `[${words.join(", ")}]`;
    conflict = { type: "NamesAccepted", status: "False", reason: "ShortNamesConflict", message };
  }
  const shortNames = taken.length > 0 ? accepted.shortNames : wanted.shortNames;
  const kind = take("KindConflict", wanted.kind, accepted.kind, kinds) ?? "";
  const listKind = take("ListKindConflict", wanted.listKind, accepted.listKind, kinds);
  const names: CustomResourceDefinitionNames = {
    plural,
    ...(singular === undefined ? {} : { singular }),
    ...(shortNames === undefined ? {} : { shortNames }),
    kind,
    ...(listKind === undefined ? {} : { listKind }),
    ...(wanted.categories === undefined ? {} : { categories: wanted.categories }),
  };
  return { names, conflict };
}
