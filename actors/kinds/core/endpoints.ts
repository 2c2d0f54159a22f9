import { invalid, notSupported, required } from "../field-error.ts";
import type { EndpointSubset, Endpoints } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsLabel, dnsSubdomain, portNumber } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, NONE } from "../table.ts";
import { ALL_VERBS } from "../verbs.ts";
import { PROTOCOLS } from "./container-validation.ts";

const SHOWN_MAX = 3;

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

function validateSubset(subset: EndpointSubset, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  if (addresses.length === 0 && notReadyAddresses.length === 0)
    errors.push(required(field, "must specify `addresses` or `notReadyAddresses`"));
  for (const [index, port] of ports.entries()) {
    const path = `${field}.ports[${index}]`;
    if (ports.length > 1 && !port.name) errors.push(required(`${path}.name`));
    else if (port.name) for (const message of dnsLabel(port.name)) errors.push(invalid(`${path}.name`, port.name, message));
    for (const message of portNumber(port.port)) errors.push(invalid(`${path}.port`, port.port, message));
    if (!port.protocol) errors.push(required(`${path}.protocol`));
    else if (!PROTOCOLS.includes(port.protocol)) errors.push(notSupported(`${path}.protocol`, port.protocol, PROTOCOLS));
  }
  return errors;
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
  applyDefaults: (object) => {
    for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= "TCP";
  },
  validate: (object) => [
    ...validateObjectMeta(object.metadata, true, dnsSubdomain),
    ...(object.subsets ?? []).flatMap((subset, index) => validateSubset(subset, `subsets[${index}]`)),
  ],
  columns: [NAME_COLUMN, column("Endpoints", "Addresses with ports"), AGE_COLUMN],
  cells: (object, now_ms) => [object.metadata.name, formatEndpoints(object.subsets), ageOf(object, now_ms)],
  selectableFields: {},
};
