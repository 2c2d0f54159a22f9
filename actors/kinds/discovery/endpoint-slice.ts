import { invalid, notSupported, required, tooMany } from "../field-error.ts";
import type { EndpointSlice } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsLabel, dnsSubdomain, portNumber } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";

export const SLICE_ENDPOINTS_MAX = 1000;
const SLICE_PORTS_MAX = 20_000;
const SHOWN_MAX = 3;
const ADDRESS_TYPES: readonly string[] = ["FQDN", "IPv4", "IPv6"];
const PROTOCOLS: readonly string[] = ["SCTP", "TCP", "UDP"];

function firstFew(all: readonly string[]): string {
  const shown = all.slice(0, SHOWN_MAX).join(",");
  if (all.length > SHOWN_MAX) return `${shown} + ${all.length - SHOWN_MAX} more...`;
  return shown === "" ? "<unset>" : shown;
}

function validate(slice: EndpointSlice): FieldError[] {
  const errors = validateObjectMeta(slice.metadata, true, dnsSubdomain);
  const { addressType = "", endpoints = [], ports = [] } = slice;
  if (addressType === "") errors.push(required("addressType"));
  else if (!ADDRESS_TYPES.includes(addressType)) errors.push(notSupported("addressType", addressType, ADDRESS_TYPES));
  if (endpoints.length > SLICE_ENDPOINTS_MAX) errors.push(tooMany("endpoints", endpoints.length, SLICE_ENDPOINTS_MAX));
  for (const [index, endpoint] of endpoints.entries()) {
    const path = `endpoints[${index}].addresses`;
    if ((endpoint.addresses?.length ?? 0) === 0) errors.push(required(path, "must contain at least 1 address"));
    if ((endpoint.addresses?.length ?? 0) > 100) errors.push(tooMany(path, endpoint.addresses.length, 100));
  }
  if (ports.length > SLICE_PORTS_MAX) errors.push(tooMany("ports", ports.length, SLICE_PORTS_MAX));
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const path = `ports[${index}]`;
    const { name = "", protocol = "" } = port;
    if (name !== "") for (const message of dnsLabel(name)) errors.push(invalid(`${path}.name`, name, message));
    if (names.has(name))
      errors.push({ reason: "FieldValueDuplicate", field: `${path}.name`, message: `Duplicate value: ${JSON.stringify(name)}` });
    names.add(name);
    if (port.port !== undefined) for (const message of portNumber(port.port)) errors.push(invalid(`${path}.port`, port.port, message));
    if (!PROTOCOLS.includes(protocol))
      errors.push(protocol === "" ? required(`${path}.protocol`) : notSupported(`${path}.protocol`, protocol, PROTOCOLS));
  }
  return errors;
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
    const content = ({ metadata: _metadata, ...rest }: EndpointSlice): object => rest;
    return !semanticEqual(content(next), content(current));
  },
  applyDefaults: (slice) => {
    for (const port of slice.ports ?? []) {
      port.name ??= "";
      port.protocol ??= "TCP";
    }
    for (const endpoint of slice.endpoints ?? []) endpoint.conditions ??= {};
  },
  validate,
  validateUpdate: (next, current) =>
    next.addressType === current.addressType ? [] : [invalid("addressType", next.addressType, "field is immutable")],
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
