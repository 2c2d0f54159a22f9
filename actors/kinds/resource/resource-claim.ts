import { defineKind, statusApart } from "../define-kind.ts";
import { immutable } from "../field-rules.ts";
import type { ResourceResourceClaim as ResourceClaim } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain } from "../names.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { deviceKey, validateClaimStatus } from "./allocation.ts";
import { adminRequest, defaultDeviceClaim, dropDisabledOfClaim, validateDeviceClaim } from "./device-claim.ts";

const APART: ReturnType<typeof statusApart<ResourceClaim>> = statusApart<ResourceClaim>(() => ({}));

/** What is told of devices goes with them, and what is behind gates is not taken. Source: dropDeallocatedStatusDevices, dropDisabledFields. */
function prepareStatus(next: ResourceClaim, current: ResourceClaim): void {
  const { devices, allocation } = next.status ?? {};
  const kept = new Set((allocation?.devices?.results ?? []).map(deviceKey));
  const gone = new Set((current.status?.allocation?.devices?.results ?? []).map(deviceKey).filter((key) => !kept.has(key)));
  const left = devices?.filter((device) => !gone.has(deviceKey(device))).map(({ shareID: _gated, ...device }) => device) ?? [];
  const { devices: _devices, allocation: _allocation, ...rest } = next.status ?? {};
  next.status = {
    ...rest,
    ...(left.length === 0 ? {} : { devices: left }),
    ...(allocation === undefined ? {} : { allocation: withoutGated(allocation) }),
  };
}

type Allocation = NonNullable<NonNullable<ResourceClaim["status"]>["allocation"]>;

function withoutGated({ allocationTimestamp: _gated, devices, ...rest }: Allocation): Allocation {
  if (devices?.results === undefined) return devices === undefined ? rest : { ...rest, devices };
  const results = devices.results.map(
    ({ bindingConditions: _b, bindingFailureConditions: _f, shareID: _s, consumedCapacity: _c, ...result }) => result,
  );
  return { ...rest, devices: { ...devices, results } };
}

/** Whether a status gives access beside others' that was not there before. Source: AuthorizedForAdminStatus. */
function adminResult({ status }: ResourceClaim, current: ResourceClaim): string | undefined {
  const placeIn = (claim: ResourceClaim["status"]): number =>
    (claim?.allocation?.devices?.results ?? []).findIndex(({ adminAccess }) => adminAccess === true);
  const index = placeIn(current.status) >= 0 ? -1 : placeIn(status);
  return index < 0 ? undefined : `status.allocation.devices.results[${index}].adminAccess`;
}

/** Source: resourceClaimState of pkg/printers. */
function stateOf({ metadata, status = {} }: ResourceClaim): string {
  const states = metadata.deletionTimestamp === undefined ? [] : ["deleted"];
  if (status.allocation !== undefined) states.push("allocated", ...((status.reservedFor ?? []).length > 0 ? ["reserved"] : []));
  else if (states.length === 0) states.push("pending");
  return states.join(",");
}

export const ResourceClaimKind: Kind<ResourceClaim> = defineKind<ResourceClaim>({
  group: "resource.k8s.io",
  kind: "ResourceClaim",
  plural: "resourceclaims",
  namespaced: true,
  subresources: [STATUS],
  returnsDeletedObject: true,
  statusKeepsMetadata: true,
  applyDefaults: ({ spec }) => defaultDeviceClaim(spec.devices),
  prepareForCreate: (claim, context) => {
    APART.prepareForCreate?.(claim, context);
    dropDisabledOfClaim(claim.spec.devices);
  },
  prepareForUpdate: (next, current, context) => {
    APART.prepareForUpdate?.(next, current, context);
    dropDisabledOfClaim(next.spec.devices);
  },
  prepareForStatusUpdate: prepareStatus,
  updateChecks: ["whole", "metadata", "changes"],
  nameRule: dnsSubdomain,
  adminAccess: (next, current) => (current === undefined ? adminRequest(next.spec.devices) : adminResult(next, current)),
  validate: ({ spec }) => validateDeviceClaim(spec.devices, false, "spec.devices"),
  validateUpdate: (next, current) => [
    ...immutable(next.spec, current.spec, "spec", "ResourceClaimSpec"),
    ...validateDeviceClaim(next.spec.devices, true, "spec.devices"),
  ],
  validateStatus: validateClaimStatus,
  columns: [NAME_COLUMN, column("State", "Whether it has devices, and whether somebody uses them"), AGE_COLUMN],
  cells: (claim, now_ms) => [claim.metadata.name, stateOf(claim), ageOf(claim, now_ms)],
});
