/**
 * Expressions that devices are chosen by: what they see of a device, what is wrong with them, and whether a device is meant. Source: k8s.io/dynamic-resource-allocation/cel,
 * compile.go.
 */
import { type CelProgram, celEnvironment, celProgram } from "../cel/cel.ts";
import { CelChecker, goType } from "../cel/check.ts";
import { CelFailure } from "../cel/failures.ts";
import { CelQuantity } from "../cel/quantities.ts";
import { CelSemver } from "../cel/semver.ts";
import { maximumCost, type Sized } from "../cel/static-cost.ts";
import { forbidden, invalid, tooLong } from "../field-error.ts";
import type { Device, DeviceAttribute } from "../generated/types.ts";
import type { FieldError } from "../status.ts";
import { ATTRIBUTE_BYTES_MAX, ATTRIBUTES_AND_CAPACITIES_MAX, DOMAIN_BYTES_MAX, IDENTIFIER_BYTES_MAX } from "./device-names.ts";

const EXPRESSION_BYTES_MAX: number = 10 * 1024;
const COST_MAX = 1_000_000;

const checker: CelChecker = new CelChecker({
  device: { object: { driver: "string", attributes: { map: { map: "dyn" } }, capacity: { map: { map: "kubernetes.Quantity" } } } },
});

const ATTRIBUTE: Sized = { elements: ATTRIBUTE_BYTES_MAX };
const DOMAIN: Sized = { elements: DOMAIN_BYTES_MAX };
const IDENTIFIER: Sized = { elements: IDENTIFIER_BYTES_MAX };
const ATTRIBUTES: Sized = { elements: ATTRIBUTES_AND_CAPACITIES_MAX, keys: IDENTIFIER, items: ATTRIBUTE, members: ATTRIBUTE };
const CAPACITIES: Sized = { elements: ATTRIBUTES_AND_CAPACITIES_MAX, keys: IDENTIFIER };
const DEVICE: Sized = {
  elements: 0,
  fields: new Map<string, Sized>([
    ["driver", DOMAIN],
    ["attributes", { elements: ATTRIBUTES_AND_CAPACITIES_MAX, keys: DOMAIN, items: ATTRIBUTES }],
    ["capacity", { elements: ATTRIBUTES_AND_CAPACITIES_MAX, keys: DOMAIN, items: CAPACITIES }],
  ]),
};

/** What is wrong with an expression, and what it can cost at most where nothing is. */
export function checkedSelector(expression: string): { readonly problem: string } | { readonly cost: number } {
  const checked = checker.check(expression);
  // What an attribute is, is not known before there is a device.
  if ("problem" in checked) return { problem: `compilation failed: ${checked.problem.replaceAll("(string, dyn)", "(string, any)")}` };
  if (checked.type !== "bool" && checked.type !== "dyn") {
    return { problem: `must evaluate to bool or the unknown type, not ${goType(checked.type)}` };
  }
  return { cost: maximumCost(checked.tree, { device: DEVICE }) };
}

/** Of an expression that is as it was when it was let in (`stored`) the cost alone is looked at. */
export function validateSelectorExpression(expression: string, field: string): FieldError[] {
  if (Buffer.byteLength(expression) > EXPRESSION_BYTES_MAX) return [tooLong(field, EXPRESSION_BYTES_MAX)];
  const checked = checkedSelector(expression);
  if ("problem" in checked) return [invalid(field, expression, checked.problem)];
  return checked.cost > COST_MAX ? [forbidden(field, "too complex, exceeds cost limit")] : [];
}

/** By name; a domain that nothing is known of is empty. */
type Domains = Map<string, Map<string, unknown>>;

const NOTHING = new Map<string, unknown>();
/** The same domains, for those who ask whether there is one. */
const known = new WeakMap<object, ReadonlyMap<string, unknown>>();

const KNOWN_DOMAINS = "knownDomains_";
const environment = celEnvironment(false);
environment.registerFunction(`${KNOWN_DOMAINS}(dyn): dyn`, (value: object) =>
  typeof value === "object" && value !== null ? (known.get(value) ?? value) : value,
);

/** `domain in device.attributes` is answered by what there is, while what is looked up there is never missing. */
function askKnownDomains(node: unknown): void {
  if (Array.isArray(node)) {
    for (const one of node) askKnownDomains(one);
    return;
  }
  if (typeof node !== "object" || node === null || !("op" in node)) return;
  const { op, args } = node as { readonly op: string; readonly args: unknown };
  askKnownDomains(args);
  if (op !== "in" || !Array.isArray(args)) return;
  const call = environment.parse(`${KNOWN_DOMAINS}(it)`).ast as unknown as { readonly args: readonly [string, unknown[]] };
  call.args[1][0] = args[1];
  args[1] = call;
}

function domainsOf<T>(values: Readonly<Record<string, T>>, driver: string, seen: (value: T, name: string) => unknown): Domains {
  const domains: Domains = new Map();
  for (const [name, value] of Object.entries(values)) {
    const slash = name.indexOf("/");
    const [domain, id] = slash < 0 ? [driver, name] : [name.slice(0, slash), name.slice(slash + 1)];
    const inner = domains.get(domain) ?? new Map<string, unknown>();
    inner.set(id, seen(value, name));
    domains.set(domain, inner);
  }
  const lenient: Domains = new Map(domains);
  lenient.get = (name) => domains.get(name) ?? NOTHING;
  known.set(lenient, domains);
  return lenient;
}

/** Throws CelFailure. */
function attributeValue({ int, bool, string, version }: DeviceAttribute, name: string): unknown {
  if (int !== undefined) return BigInt(int);
  if (bool !== undefined) return bool;
  if (string !== undefined) return string;
  if (version === undefined) throw new CelFailure(`attribute ${name}: unsupported attribute value`);
  try {
    return new CelSemver(version);
  } catch (error) {
    throw new CelFailure(`attribute ${name}: parse semantic version: ${(error as Error).message}`);
  }
}

/** A selector that is compiled. */
export class DeviceSelectorProgram {
  readonly #program: CelProgram;

  /** Throws CelFailure. */
  constructor(expression: string) {
    this.#program = celProgram(expression, environment);
    askKnownDomains(this.#program.tree);
  }

  /** Whether the device is meant. Throws CelFailure. */
  matches(driver: string, { attributes = {}, capacity = {} }: Pick<Device, "attributes" | "capacity">): boolean {
    const device = {
      driver,
      attributes: domainsOf(attributes, driver, attributeValue),
      capacity: domainsOf(capacity, driver, ({ value }) => new CelQuantity(value)),
    };
    const result = this.#program.evaluate({ device });
    if (typeof result === "boolean") return result;
    throw new CelFailure(`CEL result of type ${celTypeName(result)} could not be converted to bool: unsupported type conversion`);
  }
}

function celTypeName(value: unknown): string {
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "double";
  if (typeof value === "string") return "string";
  if (value instanceof CelSemver) return "kubernetes.Semver";
  return value instanceof Map ? "map" : "object";
}
