import { addressWarnings } from "../address-warnings.ts";
import { familyOf, strictAddressWords, validateAddress, validateDomainName, validateEndpointAddress } from "../addresses.ts";
import { duplicate, internalError, invalid, notSupported, required, tooMany } from "../field-error.ts";
import { immutable, namedBy, requiredOneOf } from "../field-rules.ts";
import type { DiscoveryEndpointPort, Endpoint, EndpointSlice } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { validateLabels } from "../metadata.ts";
import { dnsLabel, dnsSubdomain, labelValue, type NameRule, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";

/** The label of a slice with the name of its service, and the one with who keeps it. */
export const SERVICE_NAME = "kubernetes.io/service-name";
export const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
/** What these keep is written as it should be. */
const CONTROLLERS: ReadonlySet<string> = new Set(["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"]);
export const SLICE_ENDPOINTS_MAX = 1000;
const SLICE_PORTS_MAX = 20_000;
const ADDRESSES_MAX = 100;
const TOPOLOGY_LABELS_MAX = 16;
const HINTS_MAX = 8;
const SHOWN_MAX = 3;
/** A field of its own since the second version of slices. */
const ZONE_LABEL = "topology.kubernetes.io/zone";
const ADDRESS_TYPES: readonly string[] = ["FQDN", "IPv4", "IPv6"];
const PROTOCOLS: readonly string[] = ["SCTP", "TCP", "UDP"];

function firstFew(all: readonly string[]): string {
  const shown = all.slice(0, SHOWN_MAX).join(",");
  if (all.length > SHOWN_MAX) return `${shown} + ${all.length - SHOWN_MAX} more...`;
  return shown === "" ? "<unset>" : shown;
}

/** What is at `field[index]` of the addresses. */
function validateTarget(text: string, addressType: string, field: string, index: number): FieldError[] {
  const path = `${field}[${index}]`;
  switch (addressType) {
    case "IPv4":
    case "IPv6": {
      const wrong =
        addressType === "IPv4" ? validateAddress(text, path) : strictAddressWords(text).map((words) => invalid(path, text, words));
      if (wrong.length > 0) return wrong;
      const other = familyOf(text) === addressType ? [] : [invalid(field, text, `must be an ${addressType} address`)];
      return [...other, ...validateEndpointAddress(text, path)];
    }
    case "FQDN":
      return validateDomainName(text, path);
    default:
      return [];
  }
}

/** Where an endpoint is best reached from. Source: validateHints. */
function validateHints(hints: readonly { readonly name: string }[], rule: NameRule, field: string): FieldError[] {
  if (hints.length > HINTS_MAX) return [tooMany(field, hints.length, HINTS_MAX)];
  return hints.flatMap(({ name }, index) => {
    const path = `${field}[${index}].name`;
    const again = hints.findIndex((other) => other.name === name) < index;
    return [...(again ? [duplicate(path, name)] : []), ...rule(name).map((message) => invalid(path, name, message))];
  });
}

function validateEndpoint(endpoint: Endpoint, addressType: string, field: string): FieldError[] {
  const { addresses = [], nodeName, hostname, deprecatedTopology = {}, hints } = endpoint;
  const path = `${field}.addresses`;
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(path, "must contain at least 1 address"));
  else if (addresses.length > ADDRESSES_MAX) errors.push(tooMany(path, addresses.length, ADDRESSES_MAX));
  for (const [index, address] of addresses.entries()) errors.push(...validateTarget(address, addressType, path, index));
  if (nodeName !== undefined) for (const message of dnsSubdomain(nodeName)) errors.push(invalid(`${field}.nodeName`, nodeName, message));
  const labels = Object.keys(deprecatedTopology).length;
  if (labels > TOPOLOGY_LABELS_MAX) errors.push(tooMany(`${field}.deprecatedTopology`, labels, TOPOLOGY_LABELS_MAX));
  errors.push(...validateLabels(deprecatedTopology, `${field}.deprecatedTopology`));
  if (ZONE_LABEL in deprecatedTopology) {
    errors.push(internalError(`${field}.deprecatedTopology[${ZONE_LABEL}]`, "reserved key was not removed in conversion"));
  }
  if (hostname !== undefined) for (const message of dnsLabel(hostname)) errors.push(invalid(`${field}.hostname`, hostname, message));
  const { forZones = [], forNodes = [] } = hints ?? {};
  errors.push(...validateHints(forZones, labelValue, `${field}.hints.forZones`));
  return forZones.length > HINTS_MAX ? errors : [...errors, ...validateHints(forNodes, dnsSubdomain, `${field}.hints.forNodes`)];
}

function validatePorts(ports: readonly DiscoveryEndpointPort[]): FieldError[] {
  if (ports.length > SLICE_PORTS_MAX) return [tooMany("ports", ports.length, SLICE_PORTS_MAX)];
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const path = `ports[${index}]`;
    const { name = "", protocol = "", appProtocol } = port;
    errors.push(...namedBy(dnsLabel, name, `${path}.name`));
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
    if (!PROTOCOLS.includes(protocol))
      errors.push(protocol === "" ? required(`${path}.protocol`) : notSupported(`${path}.protocol`, protocol, PROTOCOLS));
    if (appProtocol !== undefined)
      for (const message of qualifiedName(appProtocol)) errors.push(invalid(`${path}.appProtocol`, appProtocol, message));
  }
  return errors;
}

function validateEndpoints({ endpoints = [], addressType = "" }: EndpointSlice): FieldError[] {
  if (endpoints.length > SLICE_ENDPOINTS_MAX) return [tooMany("endpoints", endpoints.length, SLICE_ENDPOINTS_MAX)];
  return endpoints.flatMap((endpoint, index) => validateEndpoint(endpoint, addressType, `endpoints[${index}]`));
}

/** Endpoints that older versions let in may stay. Source: ValidateEndpointSlice of pkg/apis/discovery/validation. */
function validate(slice: EndpointSlice, current?: EndpointSlice): FieldError[] {
  return [
    ...requiredOneOf(slice.addressType, ADDRESS_TYPES, "addressType"),
    ...validatePorts(slice.ports ?? []),
    ...(semanticEqual(slice.endpoints, current?.endpoints) ? [] : validateEndpoints(slice)),
  ];
}

/** Topology has fields of its own in this version; what labels say of it is dropped. Source: dropTopologyOnV1. */
function dropTopology(slice: EndpointSlice, current?: EndpointSlice): void {
  if (semanticEqual(slice.endpoints, current?.endpoints)) return;
  for (const endpoint of slice.endpoints ?? []) delete endpoint.deprecatedTopology;
}

export const EndpointSliceKind: Kind<EndpointSlice> = {
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  singular: "endpointslice",
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: ALL_VERBS,
  subresources: [],
  schema: "io.k8s.api.discovery.v1.EndpointSlice",
  tracksGeneration: true,
  generationChanges: (next, current) => {
    const content = ({ metadata: { labels }, ...rest }: EndpointSlice): object => ({ ...rest, labels });
    return !semanticEqual(content(next), content(current));
  },
  applyDefaults: (slice) => {
    for (const port of slice.ports ?? []) {
      port.name ??= "";
      port.protocol ??= "TCP";
    }
    for (const endpoint of slice.endpoints ?? []) endpoint.conditions ??= {};
  },
  prepareForCreate: (slice) => dropTopology(slice),
  prepareForUpdate: dropTopology,
  updateChecks: ["whole", "changes"],
  nameRule: dnsSubdomain,
  validate,
  validateUpdate: (next, current) => immutable(next.addressType, current.addressType, "addressType"),
  warnings: ({ metadata, addressType, endpoints = [] }, current) => {
    const deprecated = current === undefined && addressType === "FQDN" ? ["spec.addressType: FQDN endpoints are deprecated"] : [];
    if (CONTROLLERS.has(metadata.labels?.[MANAGED_BY] ?? "")) return deprecated;
    const addresses = endpoints.flatMap((endpoint, index) =>
      (endpoint.addresses ?? []).flatMap((address, at) => addressWarnings(address, `endpoints[${index}].addresses[${at}]`)),
    );
    return [...deprecated, ...addresses];
  },
  columns: [
    NAME_COLUMN,
    column("AddressType", "IPv4, IPv6 or FQDN"),
    column("Ports", "The first ports"),
    column("Endpoints", "The first addresses"),
    AGE_COLUMN,
  ],
  cells: (slice, now_ms) => [
    slice.metadata.name,
    slice.addressType,
    firstFew((slice.ports ?? []).map((port) => (port.port === undefined ? (port.name ?? "*") : String(port.port)))),
    firstFew((slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses)),
    ageOf(slice, now_ms),
  ],
  selectableFields: {},
};
