import { Alike } from "./alike.ts";
import { changed, compare, walkChanges, without } from "./compare.ts";
import { difference, EMPTY, type FieldSet, isEmpty, setOf, union } from "./field-set.ts";
import { capped, type FieldManager, managed, sameManager } from "./managers.ts";
import { OwnedFields } from "./owned-fields.ts";
import { emptyOf, type StructType } from "./typed.ts";

/** One write, as far as the ownership of fields is concerned. */
export interface FieldWrite {
  readonly type: StructType;
  readonly apiVersion: string;
  /** Who writes: the request's fieldManager, or the first word of its user agent. */
  readonly manager: string;
  readonly subresource: string | undefined;
  /** RFC 3339, whole seconds; undefined leaves the times as they are, as a Scale does. */
  readonly time: string | undefined;
  /** Fields that this door resets, see `resetFields`. */
  readonly reset: FieldSet;
}

const STATUS = setOf(["f:status"]);
const SPEC = setOf(["f:spec"]);
/** Beside `status`. What nobody can change any more nobody owns. */
const RESET_BY_MAIN: Readonly<Record<string, FieldSet>> = { certificatesigningrequests: setOf(["f:spec"], ["f:status"]) };
/** Beside `spec`, where it is more. Source: the GetResetFields of Kubernetes' strategies. */
const RESET_BY_STATUS: Readonly<Record<string, FieldSet>> = {
  pods: setOf(["f:spec"], ["f:metadata", "f:deletionTimestamp"], ["f:metadata", "f:ownerReferences"]),
  deployments: setOf(["f:spec"], ["f:metadata", "f:labels"]),
  customresourcedefinitions: setOf(["f:spec"], ["f:metadata"]),
  apiservices: setOf(["f:spec"], ["f:metadata"]),
};

/** What a write through this door cannot change, and so does not own. */
export function resetFields(kind: { readonly plural: string; readonly hasStatus: boolean }, subresource: string | undefined): FieldSet {
  if (!kind.hasStatus) return EMPTY;
  if (subresource === undefined) return RESET_BY_MAIN[kind.plural] ?? STATUS;
  return subresource === "status" ? (RESET_BY_STATUS[kind.plural] ?? SPEC) : EMPTY;
}

const SPEC_AND_METADATA = setOf(["f:spec"], ["f:metadata"]);

/** The same for a custom resource: through the status nothing else changes. Source: apiextensions-apiserver's status_strategy.go. */
export function resetCustomFields(hasStatus: boolean, subresource: string | undefined): FieldSet {
  if (subresource === "status") return SPEC_AND_METADATA;
  return hasStatus && subresource === undefined ? STATUS : EMPTY;
}

/** The managers after a create. */
export function afterCreate(write: FieldWrite, object: object): readonly FieldManager[] {
  return afterUpdate(write, [], emptyOf(write.type), object);
}

/** What a manager owns after a write, and whose time its entry keeps: that of the entry of this index before, or the write's. */
interface Owner {
  readonly manager: FieldManager;
  readonly timeOf: number | "write";
  /** The JSON of the fields, with the steps that are an object's own left open. */
  readonly template: string;
}

/** Outcomes of writes that were alike: the same fields changed, of objects whose fields were owned alike. */
const outcomes = new Alike<readonly Owner[]>();

/**
 * The managers after a write that is no apply: what it changed is the writer's alone, what it removed is nobody's. Source:
 * structured-merge-diff's merge.Updater.Update, within fieldmanager's managers.
 *
 * The pods of a template are written alike thousands of times, so an outcome is remembered by all that it depends on: who writes, who owned what, which fields
 * changed. Only the steps that differ from object to object, such as a pod's address, are numbered there instead of named.
 */
export function afterUpdate(write: FieldWrite, managers: readonly FieldManager[], live: object, next: object): readonly FieldManager[] {
  const own = new OwnSteps();
  const before = managers.map((manager) => `${identityOf(manager)} ${own.open(manager.fields.json)}`);
  const beginning = before.length === 0 ? likenessOf(write) : [likenessOf(write), ...before].join("\n");
  const walk = outcomes.walk(beginning, (step) => own.mark(step));
  if (walk !== undefined) walkChanges(write.type, live, next, walk);
  const place = walk?.end;
  const owners = place?.outcome ?? decideOwners(write, managers, live, next, own);
  if (place !== undefined) place.outcome = owners;
  const after = owners.map(({ manager, timeOf, template }) => ({
    ...manager,
    fields: OwnedFields.stored(own.fill(template)),
    time: timeOf === "write" ? (write.time ?? managers.find((one) => sameManager(one, manager))?.time) : managers[timeOf]?.time,
  }));
  return capped(after);
}

function likenessOf({ type, manager, apiVersion, subresource = "" }: FieldWrite): string {
  return `${type.name} ${manager} ${apiVersion} ${subresource}`;
}

function identityOf({ manager, operation, apiVersion, subresource = "" }: FieldManager): string {
  return `${manager} ${operation} ${apiVersion} ${subresource}`;
}

function decideOwners(write: FieldWrite, managers: readonly FieldManager[], live: object, next: object, steps: OwnSteps): readonly Owner[] {
  const comparison = without(compare(write.type, live, next), write.reset);
  const taken = changed(comparison);
  const own = managed(taken);
  const rest = disowned(disowned(managers, taken), comparison.removed);
  const owner = (manager: FieldManager, timeOf: Owner["timeOf"]): Owner => ({ manager, timeOf, template: steps.open(manager.fields.json) });
  const kept = (manager: FieldManager): Owner =>
    owner(
      manager,
      managers.findIndex((other) => sameManager(other, manager)),
    );
  if (isEmpty(own)) return rest.map(kept);
  const { manager, apiVersion, subresource } = write;
  const mine: FieldManager = { manager, operation: "Update", apiVersion, subresource, time: undefined, fields: OwnedFields.of(own) };
  const before = rest.find((other) => sameManager(other, mine));
  const after = before === undefined ? mine : { ...before, fields: OwnedFields.of(union(own, before.fields.set)) };
  return [...rest.filter((other) => other !== before).map(kept), owner(after, "write")];
}

/** The steps that are hardly ever the same for two objects, items of lists by address or uid, items of sets, as JSON has them in FieldsV1; and such a step alone. */
const OWN_STEPS = /k:\{\\"(?:ip|uid)\\":\\"[^"\\]*\\"\}|v:\\"[^"\\]*\\"/g;
const OWN_STEP = /^(?:k:\{"(?:ip|uid)":"[^"\\]*"\}|v:"[^"\\]*")$/;
/**
 * A character that no name in Kubernetes has, and one of Latin-1: with any other, V8 would keep these texts, and so every stored text that begins with one, in two
 * bytes a character for ever.
 */
const MARK = "\u00a4";
const OPEN = /\u00a4(\d+)\u00a4/g;

/** Numbers those steps in the order in which they are met. */
class OwnSteps {
  readonly #steps: string[] = [];
  readonly #numbers = new Map<string, number>();

  /** FieldsV1 with numbers in their places. */
  open(json: string): string {
    if (!json.includes('"ip') && !json.includes('"uid') && !json.includes("v:")) return json;
    return json.replace(OWN_STEPS, (step) => this.#number(step.replaceAll("\\", "")));
  }

  /** A step, or the number in its place. */
  mark(step: string): string {
    return OWN_STEP.test(step) ? this.#number(step) : step;
  }

  #number(step: string): string {
    let at = this.#numbers.get(step);
    if (at === undefined) {
      at = this.#steps.push(step) - 1;
      this.#numbers.set(step, at);
    }
    return `${MARK}${at}${MARK}`;
  }

  /** The JSON that was opened, with the steps of this object. */
  fill(template: string): string {
    if (this.#steps.length === 0) return template;
    return template.replace(OPEN, (open, at: string) => this.#steps[Number(at)]?.replaceAll('"', '\\"') ?? open);
  }
}

/** The managers without these fields; those who are left with none are gone. */
export function disowned(managers: readonly FieldManager[], fields: FieldSet): readonly FieldManager[] {
  if (isEmpty(fields)) return managers;
  return managers
    .map((manager) => ({ manager, left: difference(manager.fields.set, fields) }))
    .filter(({ left }) => !isEmpty(left))
    .map(({ manager, left }) => (left === manager.fields.set ? manager : { ...manager, fields: OwnedFields.of(left) }));
}
