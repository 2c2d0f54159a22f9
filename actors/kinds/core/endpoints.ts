import { addressWarnings } from "../address-warnings.ts";
import { validateAddress, validateEndpointAddress } from "../addresses.ts";
import { invalid, notSupported, required } from "../field-error.ts";
import { namedBy } from "../field-rules.ts";
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { dnsLabel, dnsSubdomain, portNumber, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, NONE } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";
import { PROTOCOLS } from "./container-validation.ts";

const SHOWN_MAX = 3;
/** What the controller keeps is written as it should be. */
const MANAGED_BY = "endpoints.kubernetes.io/managed-by";
const CONTROLLER = "endpoint-controller";

function hostPort(ip: string, port: number): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** The first three of all addresses with all ports. Source: formatEndpoints. */
function formatEndpoints(subsets: readonly EndpointSubset[] | undefined): string {
  if (subsets === undefined || subsets.length === 0) return NONE;
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0 ? addresses.map(({ ip }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip }) => hostPort(ip, port))),
  );
  const shown = all.slice(0, SHOWN_MAX).join(",");
  return all.length > SHOWN_MAX ? `${shown} + ${all.length - SHOWN_MAX} more...` : shown;
}

function validateTarget({ ip = "", hostname, nodeName }: EndpointAddress, field: string): FieldError[] {
  const nodeErrors = nodeName === undefined ? [] : dnsSubdomain(nodeName);
  return [
    ...validateAddress(ip, `${field}.ip`),
    ...namedBy(dnsLabel, hostname, `${field}.hostname`),
    ...nodeErrors.map((message) => invalid(`${field}.nodeName`, nodeName, message)),
    ...validateEndpointAddress(ip, `${field}.ip`),
  ];
}

function validatePort(port: EndpointPort, nameRequired: boolean, field: string): FieldError[] {
  const { name, protocol, appProtocol } = port;
  const errors = nameRequired && !name ? [required(`${field}.name`)] : namedBy(dnsLabel, name, `${field}.name`);
  for (const message of portNumber(port.port)) errors.push(invalid(`${field}.port`, port.port, message));
  if (!protocol) errors.push(required(`${field}.protocol`));
  else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(`${field}.protocol`, protocol, PROTOCOLS));
  if (appProtocol !== undefined)
    for (const message of qualifiedName(appProtocol)) errors.push(invalid(`${field}.appProtocol`, appProtocol, message));
  return errors;
}

/** Source: validateEndpointSubsets of pkg/apis/core/validation. */
function validateSubset({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, field: string): FieldError[] {
  const none = addresses.length === 0 && notReadyAddresses.length === 0;
  return [
    ...(none ? [required(field, "must specify `addresses` or `notReadyAddresses`")] : []),
    ...addresses.flatMap((address, index) => validateTarget(address, `${field}.addresses[${index}]`)),
    ...notReadyAddresses.flatMap((address, index) => validateTarget(address, `${field}.notReadyAddresses[${index}]`)),
    ...ports.flatMap((port, index) => validatePort(port, ports.length > 1, `${field}.ports[${index}]`)),
  ];
}

export const EndpointsKind: Kind<Endpoints> = {
  group: "",
  version: "v1",
  kind: "Endpoints",
  plural: "endpoints",
  singular: "endpoints",
  shortNames: ["ep"],
  categories: [],
  namespaced: true,
  verbs: ALL_VERBS,
  subresources: [],
  schema: "io.k8s.api.core.v1.Endpoints",
  createsOnUpdate: true,
  deprecation: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  applyDefaults: (object) => {
    for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= "TCP";
  },
  updateChecks: ["metadata", "whole"],
  nameRule: dnsSubdomain,
  // What older versions let in may stay.
  validate: ({ subsets = [] }, current) =>
    semanticEqual(subsets, current?.subsets) ? [] : subsets.flatMap((subset, index) => validateSubset(subset, `subsets[${index}]`)),
  warnings: ({ metadata, subsets = [] }) => {
    if (metadata.labels?.[MANAGED_BY] === CONTROLLER) return [];
    return subsets.flatMap((subset, index) =>
      (["addresses", "notReadyAddresses"] as const).flatMap((name) =>
        (subset[name] ?? []).flatMap(({ ip }, at) => addressWarnings(ip, `subsets[${index}].${name}[${at}].ip`)),
      ),
    );
  },
  columns: [NAME_COLUMN, column("Endpoints", "Addresses with ports"), AGE_COLUMN],
  cells: (object, now_ms) => [object.metadata.name, formatEndpoints(object.subsets), ageOf(object, now_ms)],
  selectableFields: {},
};
