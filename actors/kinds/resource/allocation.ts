/** What a claim has got, and who uses it. Source: validateResourceClaimStatusUpdate of pkg/apis/resource/validation. */

import { validateConditions } from "../conditions.ts";
import { validateNodeTerms } from "../core/placement-validation.ts";
import { forbidden, invalid, notSupported, required, tooLong, tooMany } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaimConsumerReference,
  ResourceResourceClaim,
} from "../generated/types.ts";
import { validateInterfaceAddress } from "../networking/cidr.ts";
import type { FieldError } from "../status.ts";
import {
  CONFIGURATIONS_MAX,
  PARAMETERS_BYTES_MAX,
  REQUESTS_MAX,
  type RequestNames,
  requestNames,
  validateOpaque,
  validateRaw,
  validateRequestRef,
  validateRequestRefs,
} from "./device-claim.ts";
import { labelNamed, validateDriver, validateList, validatePoolName, validateSet } from "./device-names.ts";

/** Keeps a claim that is allocated until its devices are given back. */
export const DELETE_PROTECTION = "resource.kubernetes.io/delete-protection";
/** Pods that may use one claim. */
export const CONSUMERS_MAX = 256;
const CONDITIONS_MAX = 8;
const INTERFACE_NAME_BYTES_MAX = 256;
const HARDWARE_ADDRESS_BYTES_MAX = 128;
const ADDRESSES_MAX = 16;
const SOURCES: readonly string[] = ["FromClaim", "FromClass"];
/** What Kubernetes prints of a device in place of its name: Go's JSON does not see into it. */
const DEVICE_SHOWN = { Driver: {}, Pool: {}, Device: {}, ShareID: {} } as const;

/** Devices that are named apart from one another by driver and pool. */
export function deviceKey({ driver, pool, device }: Pick<DeviceRequestAllocationResult, "driver" | "pool" | "device">): string {
  return `${driver}/${pool}/${device}`;
}

function validateConsumer({ resource, name, uid }: ResourceClaimConsumerReference, field: string): FieldError[] {
  return Object.entries({ resource, name, uid }).flatMap(([part, value]) => (value ? [] : [required(`${field}.${part}`)]));
}

function validateResult(result: DeviceRequestAllocationResult, names: RequestNames, field: string): FieldError[] {
  const { request, driver, pool, device } = result;
  return [
    ...validateRequestRef(request ?? "", names, `${field}.request`),
    ...validateDriver(driver, `${field}.driver`),
    ...validatePoolName(pool, `${field}.pool`),
    ...labelNamed(device, `${field}.device`),
  ];
}

function validateConfiguration(
  { source, requests, opaque }: DeviceAllocationConfiguration,
  names: RequestNames,
  field: string,
): FieldError[] {
  const path = `${field}.source`;
  const known = source ? SOURCES.includes(source) : true;
  return [
    ...(source ? [] : [required(path)]),
    ...(known ? [] : [notSupported(path, source, SOURCES)]),
    ...validateRequestRefs(requests, names, `${field}.requests`),
    ...validateOpaque(opaque, false, field),
  ];
}

function validateAllocation({ devices = {}, nodeSelector }: AllocationResult, names: RequestNames): FieldError[] {
  const field = "status.allocation";
  return [
    ...validateList(devices.results, REQUESTS_MAX, (one, path) => validateResult(one, names, path), `${field}.devices.results`),
    ...validateList(
      devices.config,
      2 * CONFIGURATIONS_MAX,
      (one, path) => validateConfiguration(one, names, path),
      `${field}.devices.config`,
    ),
    ...(nodeSelector === undefined ? [] : validateNodeTerms(nodeSelector.nodeSelectorTerms, `${field}.nodeSelector.nodeSelectorTerms`)),
  ];
}

function validateNetwork({ interfaceName = "", hardwareAddress = "", ips }: NetworkDeviceData, field: string): FieldError[] {
  const long = (value: string, bytes_max: number, path: string): FieldError[] =>
    Buffer.byteLength(value) > bytes_max ? [tooLong(path, bytes_max)] : [];
  return [
    ...long(interfaceName, INTERFACE_NAME_BYTES_MAX, `${field}.interfaceName`),
    ...long(hardwareAddress, HARDWARE_ADDRESS_BYTES_MAX, `${field}.hardwareAddress`),
    ...validateSet(ips, ADDRESSES_MAX, validateInterfaceAddress, (ip) => ip, `${field}.ips`),
  ];
}

/** What its driver tells of a device. */
function validateDevice(status: AllocatedDeviceStatus, allocated: ReadonlySet<string>, field: string): FieldError[] {
  const { driver, pool, device, conditions = [], data, networkData } = status;
  const path = `${field}.conditions`;
  return [
    ...validateDriver(driver, `${field}.driver`),
    ...validatePoolName(pool, `${field}.pool`),
    ...labelNamed(device, `${field}.device`),
    ...(allocated.has(deviceKey(status)) ? [] : [invalid(field, DEVICE_SHOWN, "must be an allocated device in the claim")]),
    ...(conditions.length > CONDITIONS_MAX ? [tooMany(path, conditions.length, CONDITIONS_MAX)] : []),
    ...validateConditions(conditions, path),
    ...(data === undefined || data === null ? [] : validateRaw(data, PARAMETERS_BYTES_MAX, `${field}.data`)),
    ...(networkData === undefined ? [] : validateNetwork(networkData, `${field}.networkData`)),
  ];
}

/** Who uses a claim is told while it has something, and nobody new once it is going. */
function validateUse({ metadata, status = {} }: ResourceResourceClaim, current: ResourceResourceClaim): FieldError[] {
  const { reservedFor = [], allocation } = status;
  const field = "status.reservedFor";
  if (reservedFor.length === 0) return [];
  if (allocation === undefined) return [forbidden(field, "may not be specified when `allocated` is not set")];
  if (metadata.deletionTimestamp === undefined) return [];
  const keyOf = ({ apiGroup = "", resource, name, uid }: ResourceClaimConsumerReference): string =>
    `${apiGroup} ${resource} ${name} ${uid}`;
  const before = new Set((current.status?.reservedFor ?? []).map(keyOf));
  if (reservedFor.every((one) => before.has(keyOf(one)))) return [];
  return [forbidden(field, "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set")];
}

export function validateClaimStatus(next: ResourceResourceClaim, current: ResourceResourceClaim): FieldError[] {
  const { reservedFor, devices, allocation } = next.status ?? {};
  const before = current.status?.allocation;
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceKey));
  const errors = [
    ...validateSet(reservedFor, CONSUMERS_MAX, validateConsumer, ({ uid }) => uid, "status.reservedFor", ".uid"),
    ...validateSet(
      devices,
      Number.POSITIVE_INFINITY,
      (one, path) => validateDevice(one, allocated, path),
      deviceKey,
      "status.devices",
      ".deviceID",
      () => DEVICE_SHOWN,
    ),
    ...validateUse(next, current),
  ];
  if (allocation === undefined) return errors;
  const found =
    before === undefined
      ? validateAllocation(allocation, requestNames(next.spec.devices ?? {}))
      : immutable(allocation, before, "status.allocation", "AllocationResult");
  return [...errors, ...found];
}
