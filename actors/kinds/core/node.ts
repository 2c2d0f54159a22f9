import { duplicate, forbidden, invalid, notSupported, required } from "../field-error.ts";
import type { Node, Taint } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain, labelValue, qualifiedName } from "../names.ts";
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

function validateTaints(taints: readonly Taint[] | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { key, value = "", effect }] of (taints ?? []).entries()) {
    const path = `spec.taints[${index}]`;
    for (const message of qualifiedName(key)) errors.push(invalid(`${path}.key`, key, message));
    const wrong = labelValue(value);
    if (wrong.length > 0) errors.push(invalid(`${path}.value`, value, wrong.join(";")));
    if (!effect) errors.push(required(`${path}.effect`));
    else if (!TAINT_EFFECTS.includes(effect)) errors.push(notSupported(`${path}.effect`, effect, TAINT_EFFECTS));
    const pair = `${key}:${effect}`;
    if (seen.has(pair)) {
      const shown = { Key: key, Value: value, Effect: effect, TimeAdded: null };
      errors.push({
        ...duplicate(path, shown),
        message: `${duplicate(path, shown).message}: taints must be unique by key and effect pair`,
      });
    }
    seen.add(pair);
  }
  return errors;
}

function validate(node: Node): FieldError[] {
  const errors = [...validateObjectMeta(node.metadata, false, dnsSubdomain), ...validateTaints(node.spec?.taints)];
  for (const name of ["capacity", "allocatable"] as const) {
    for (const [resource, quantity] of Object.entries(node.status?.[name] ?? {})) {
      const path = `status.${name}[${resource}]`;
      for (const message of qualifiedName(resource)) errors.push(invalid(path, resource, message));
      errors.push(...validateResourceQuantity(resource, quantity, path));
    }
  }
  return errors;
}

/** A node's name in the cloud and its pods' addresses are set once. Source: ValidateNodeUpdate. */
function validateUpdate(next: Node, current: Node): FieldError[] {
  const errors: FieldError[] = [];
  const once = (name: "podCIDRs" | "providerID", words: string): void => {
    const before = current.spec?.[name];
    if (before !== undefined && before.length > 0 && !semanticEqual(next.spec?.[name], before))
      errors.push(forbidden(`spec.${name}`, words));
  };
  once("podCIDRs", 'node updates may not change podCIDR except from "" to valid');
  once("providerID", 'node updates may not change providerID except from "" to valid');
  return errors;
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
    const { status } = node;
    if (status?.capacity !== undefined && status.allocatable === undefined) status.allocatable = { ...status.capacity };
  },
  prepareForUpdate: (next, current) => {
    if (current.status === undefined) delete next.status;
    else next.status = current.status;
  },
  validate,
  validateUpdate,
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
