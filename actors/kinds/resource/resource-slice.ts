import { validateNodeTerms } from "../core/placement-validation.ts";
import { defineKind } from "../define-kind.ts";
import { invalid, required, tooLong } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { Device, DeviceAttribute, NodeSelector, ResourcePool, ResourceSlice } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import {
  ATTRIBUTE_BYTES_MAX,
  ATTRIBUTES_AND_CAPACITIES_MAX,
  labelNamed,
  validateDriver,
  validateNamed,
  validatePoolName,
  validateSet,
} from "./device-names.ts";

const DEVICES_MAX = 128;
const WHICH_NODES = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
const NUMBER = "(0|[1-9]\\d*)";
const PRERELEASE = "(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)";
const BUILD = "[0-9a-zA-Z-]+";
const VERSION = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(-${PRERELEASE}(\\.${PRERELEASE})*)?(\\+${BUILD}(\\.${BUILD})*)?$`);

function validatePool({ name, resourceSliceCount: slices = 0, generation = 0 }: Partial<ResourcePool>, field: string): FieldError[] {
  return [
    ...validatePoolName(name, `${field}.name`),
    ...(slices > 0 ? [] : [invalid(`${field}.resourceSliceCount`, slices, "must be greater than zero")]),
    ...(generation < 0 ? [invalid(`${field}.generation`, generation, "must be greater than or equal to zero")] : []),
  ];
}

function validateSelector({ nodeSelectorTerms: terms }: NodeSelector, field: string): FieldError[] {
  const path = `${field}.nodeSelectorTerms`;
  const errors = validateNodeTerms(terms, path);
  if (terms?.length === 1) return errors;
  return [
    ...errors,
    invalid(path, terms === undefined ? null : internalForm("NodeSelectorTerm", terms), "must have exactly one node selector term"),
  ];
}

/** From which nodes the devices can be reached. */
function validateNodes({ spec }: ResourceSlice): FieldError[] {
  const { nodeName, nodeSelector, allNodes } = spec;
  const errors: FieldError[] = [];
  const said: string[] = [];
  if (nodeName === "") errors.push(invalid("spec.nodeName", nodeName, "must be either unset or set to a non-empty string"));
  else if (nodeName !== undefined) {
    said.push("`nodeName`");
    errors.push(...dnsSubdomain(nodeName).map((words) => invalid("spec.nodeName", nodeName, words)));
  }
  if (nodeSelector !== undefined) {
    said.push("`nodeSelector`");
    errors.push(...validateSelector(nodeSelector, "spec.nodeSelector"));
  }
  if (allNodes === true) said.push("`allNodes`");
  else if (allNodes === false) errors.push(invalid("spec.allNodes", allNodes, "must be either unset or set to true"));
  if (said.length === 0) return [...errors, required("spec", WHICH_NODES)];
  return said.length === 1 ? errors : [...errors, invalid("spec", `{${said.join(", ")}}`, `${WHICH_NODES}, but multiple fields are set`)];
}

function validateAttribute(attribute: DeviceAttribute, field: string): FieldError[] {
  const { bool, int, string, version } = attribute;
  const long = (value: string | undefined, part: string): FieldError[] =>
    Buffer.byteLength(value ?? "") > ATTRIBUTE_BYTES_MAX ? [tooLong(`${field}.${part}`, ATTRIBUTE_BYTES_MAX)] : [];
  const errors = long(string, "string");
  if (version !== undefined && !VERSION.test(version)) {
    errors.push(invalid(`${field}.version`, version, "must be a string compatible with semver.org spec 2.0.0"));
  }
  errors.push(...long(version, "version"));
  const values = [bool, int, string, version].filter((value) => value !== undefined).length;
  if (values === 0) return [...errors, required(field, "exactly one value must be specified")];
  if (values === 1) return errors;
  return [...errors, invalid(field, internalForm("DeviceAttribute", attribute), "exactly one value must be specified")];
}

function validateDevice({ name, attributes = {}, capacity = {} }: Device, field: string): FieldError[] {
  const described = Object.keys(attributes).length + Object.keys(capacity).length;
  const words = `the total number of attributes and capacities must not exceed ${ATTRIBUTES_AND_CAPACITIES_MAX}`;
  return [
    ...labelNamed(name, `${field}.name`),
    ...(described > ATTRIBUTES_AND_CAPACITIES_MAX ? [invalid(field, described, words)] : []),
    ...validateNamed(attributes, validateAttribute, `${field}.attributes`),
    ...validateNamed(capacity, () => [], `${field}.capacity`),
  ];
}

/** Whose devices they are is never another's. Source: validateResourceSliceSpec. */
function validate(slice: ResourceSlice, current?: ResourceSlice): FieldError[] {
  const { driver, pool, nodeName, devices } = slice.spec;
  const old = current?.spec;
  const errors = [...validateDriver(driver, "spec.driver"), ...validatePool(pool ?? {}, "spec.pool")];
  if (old !== undefined) {
    errors.push(
      ...immutable(pool?.name, old.pool.name, "spec.pool.name"),
      ...immutable(driver, old.driver, "spec.driver"),
      ...immutable(nodeName, old.nodeName, "spec.nodeName"),
    );
  }
  return [
    ...errors,
    ...validateNodes(slice),
    ...validateSet(devices, DEVICES_MAX, validateDevice, ({ name }) => name, "spec.devices", ".name"),
  ];
}

/** Taints, parts of devices, devices of several claims, and what waits for devices after the pod was placed are behind gates. Changes the slice that it is given. */
function dropDisabled({ spec }: ResourceSlice): void {
  delete spec.sharedCounters;
  delete spec.perDeviceNodeSelection;
  for (const device of spec.devices ?? []) {
    for (const gated of GATED) delete device[gated];
    for (const capacity of Object.values(device.capacity ?? {})) delete capacity.requestPolicy;
  }
}

const GATED = [
  ...(["taints", "consumesCounters", "nodeName", "nodeSelector", "allNodes"] as const),
  ...(["bindingConditions", "bindingFailureConditions", "bindsToNode", "allowMultipleAllocations"] as const),
] as const;

export const ResourceSliceKind: Kind<ResourceSlice> = defineKind<ResourceSlice>({
  group: "resource.k8s.io",
  kind: "ResourceSlice",
  plural: "resourceslices",
  namespaced: false,
  returnsDeletedObject: true,
  tracksGeneration: true,
  prepareForCreate: dropDisabled,
  prepareForUpdate: dropDisabled,
  nameRule: dnsSubdomain,
  validate,
  columns: [
    NAME_COLUMN,
    column("Node", "The node whose devices they are"),
    column("Driver", "Who manages them"),
    column("Pool", "The devices that they are a part of"),
    AGE_COLUMN,
  ],
  cells: ({ metadata, spec, ...rest }, now_ms) => [
    metadata.name,
    spec.nodeName ?? "",
    spec.driver ?? "",
    spec.pool?.name ?? "",
    ageOf({ metadata, ...rest }, now_ms),
  ],
  selectableFields: {
    "spec.nodeName": ({ spec }) => spec.nodeName ?? "",
    "spec.driver": ({ spec }) => spec.driver ?? "",
  },
});
