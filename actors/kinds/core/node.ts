import { rangeWarnings } from "../address-warnings.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "../field-error.ts";
import type { Node, Taint } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain, labelValue, qualifiedName } from "../names.ts";
import { validateCidr } from "../networking/cidr.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, NONE, UNKNOWN, wideColumn } from "../table.ts";
import { ALL_VERBS, proxyOf, STATUS } from "../verbs.ts";
import { TAINT_EFFECTS } from "./placement-validation.ts";
import { validateResourceQuantity } from "./resource-validation.ts";

const ROLE_PREFIX = "node-role.kubernetes.io/";
const ROLE_LABEL = "kubernetes.io/role";

function rolesOf(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === ROLE_LABEL && value !== "") roles.add(value);
  }
  return roles.size === 0 ? NONE : [...roles].sort().join(",");
}

function statusOf(node: Node): string {
  const ready = node.status?.conditions?.findLast((condition) => condition.type === "Ready");
  const word = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return node.spec?.unschedulable === true ? `${word},SchedulingDisabled` : word;
}

function addressOf(node: Node, type: string): string {
  return node.status?.addresses?.find((address) => address.type === type)?.address ?? NONE;
}

/** Kubernetes says `metadata.taints` of what stands in `spec`. Source: validateNodeTaints. */
function validateTaints(taints: readonly Taint[] | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { key, value = "", effect, timeAdded }] of (taints ?? []).entries()) {
    const path = `metadata.taints[${index}]`;
    for (const message of qualifiedName(key)) errors.push(invalid(`${path}.key`, key, message));
    const wrong = labelValue(value);
    if (wrong.length > 0) errors.push(invalid(`${path}.value`, value, wrong.join(";")));
    if (!effect) errors.push(required(`${path}.effect`));
    else if (!TAINT_EFFECTS.includes(effect)) errors.push(notSupported(`${path}.effect`, effect, TAINT_EFFECTS));
    const pair = `${key}:${effect}`;
    if (seen.has(pair)) {
      const shown = { Key: key, Value: value, Effect: effect, TimeAdded: timeAdded ?? null };
      errors.push({
        ...duplicate(path, shown),
        message: `${duplicate(path, shown).message}: taints must be unique by key and effect pair`,
      });
    }
    seen.add(pair);
  }
  return errors;
}

/** What a node has is looked at as often as it is written, wherever. Source: ValidateNodeResources. */
function validateAmounts({ status }: Node): FieldError[] {
  return (["capacity", "allocatable"] as const).flatMap((name) =>
    Object.entries(status?.[name] ?? {}).flatMap(([resource, quantity]) =>
      validateResourceQuantity(resource, quantity, `status.${name}.${resource}`),
    ),
  );
}

/** One range of a family. */
function validateRanges(ranges: readonly string[]): FieldError[] {
  const field = "spec.podCIDRs";
  const errors = ranges.flatMap((range, index) => validateCidr(range, `${field}[${index}]`));
  if (ranges.length < 2) return errors;
  const dual = ranges.length === 2 && new Set(ranges.map((range) => range.includes(":"))).size === 2;
  return dual ? errors : [...errors, invalid(field, ranges, "may specify no more than one CIDR for each IP family")];
}

/** Source: ValidateNode. */
function validate(node: Node): FieldError[] {
  return [...validateTaints(node.spec?.taints), ...validateAmounts(node), ...validateRanges(node.spec?.podCIDRs ?? [])];
}

function validateAddresses({ status }: Node): FieldError[] {
  const addresses = status?.addresses ?? [];
  return addresses.flatMap(({ type, address }, index) => {
    const again = addresses.findIndex((other) => other.type === type && other.address === address) < index;
    return again ? [duplicate(`status.addresses[${index}]`, { Type: type, Address: address })] : [];
  });
}

/** Source: ValidateNodeUpdate, by whichever door. */
function validateUpdate(next: Node, current: Node): FieldError[] {
  const errors = [...validateAmounts(next), ...validateAddresses(next)];
  const [ranges, before] = [next.spec?.podCIDRs ?? [], current.spec?.podCIDRs ?? []];
  const changed = before.length === ranges.length ? before.filter((range, index) => range !== ranges[index]) : before.slice(0, 1);
  errors.push(...changed.map(() => forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid')));
  const { providerID } = current.spec ?? {};
  if (providerID && providerID !== next.spec?.providerID) {
    errors.push(forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid'));
  }
  errors.push(...validateTaints(next.spec?.taints));
  if ((next.spec?.externalID ?? "") !== (current.spec?.externalID ?? "")) {
    errors.push(forbidden("spec.externalID", "may not be updated"));
  }
  return errors;
}

/** The first of the ranges has a field of its own, which counts. Source: Convert_v1_NodeSpec_To_core_NodeSpec. */
function alignRanges({ spec }: Node): void {
  if (spec === undefined) return;
  if (spec.podCIDR && spec.podCIDR !== spec.podCIDRs?.[0]) spec.podCIDRs = [spec.podCIDR];
  const [first] = spec.podCIDRs ?? [];
  if (first !== undefined) spec.podCIDR = first;
}

export const NodeKind: Kind<Node> = {
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  singular: "node",
  shortNames: ["no"],
  categories: [],
  namespaced: false,
  verbs: ALL_VERBS,
  subresources: [proxyOf("NodeProxyOptions"), STATUS],
  schema: "io.k8s.api.core.v1.Node",
  applyDefaults: (node) => {
    alignRanges(node);
    const { status } = node;
    if (status?.capacity !== undefined && status.allocatable === undefined) status.allocatable = { ...status.capacity };
  },
  // Nodes are no longer told where their configuration is.
  prepareForCreate: ({ spec, status }) => {
    delete spec?.configSource;
    delete status?.config;
  },
  prepareForUpdate: (next, current) => {
    if (current.spec?.configSource === undefined) delete next.spec?.configSource;
    if (current.status === undefined) delete next.status;
    else next.status = current.status;
  },
  updateChecks: ["whole", "metadata", "changes"],
  nameRule: dnsSubdomain,
  validate,
  validateUpdate,
  validateStatus: validateUpdate,
  warnings: ({ spec }) => [
    ...(spec?.configSource === undefined ? [] : ["spec.configSource: the feature is removed"]),
    ...(spec?.externalID ? ["spec.externalID: this field is deprecated, and is unused by Kubernetes"] : []),
    ...(spec?.podCIDRs ?? []).flatMap((range, index) => rangeWarnings(range, `spec.podCIDRs[${index}]`)),
  ],
  columns: [
    NAME_COLUMN,
    column("Status", "Whether the node is ready, and open to new pods"),
    column("Roles", "The roles that its labels name"),
    AGE_COLUMN,
    column("Version", "The version of its agent"),
    wideColumn("Internal-IP", "Its address in the cluster"),
    wideColumn("External-IP", "Its address outside"),
    wideColumn("OS-Image", "Its operating system"),
    wideColumn("Kernel-Version", "The version of its kernel"),
    wideColumn("Container-Runtime", "What runs its containers"),
  ],
  cells: (node, now_ms) => {
    const info = node.status?.nodeInfo;
    return [
      node.metadata.name,
      statusOf(node),
      rolesOf(node),
      ageOf(node, now_ms),
      info?.kubeletVersion ?? "",
      addressOf(node, "InternalIP"),
      addressOf(node, "ExternalIP"),
      info?.osImage || UNKNOWN,
      info?.kernelVersion || UNKNOWN,
      info?.containerRuntimeVersion || UNKNOWN,
    ];
  },
  selectableFields: { "spec.unschedulable": (node) => String(node.spec?.unschedulable ?? false) },
};
