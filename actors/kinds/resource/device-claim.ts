/** What a claim asks for, alone or in a template. Source: validateDeviceClaim of pkg/apis/resource/validation; SetDefaults_ExactDeviceRequest. */
import { invalid, notSupported, required, tooLong } from "../field-error.ts";
import type {
  DeviceClaim,
  DeviceClaimConfiguration,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  OpaqueDeviceConfiguration,
} from "../generated/types.ts";
import { labelValue, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";
import { classNamed, labelNamed, validateDriver, validateFullyQualifiedName, validateList, validateSet } from "./device-names.ts";
import { validateSelectorExpression } from "./device-selector.ts";

/** As many devices as a claim can get. */
export const REQUESTS_MAX = 32;
const ALTERNATIVES_MAX = 8;
const SELECTORS_MAX = 32;
const CONSTRAINTS_MAX = 32;
export const CONFIGURATIONS_MAX = 32;
export const PARAMETERS_BYTES_MAX: number = 10 * 1024;
const MODES: readonly string[] = ["All", "ExactCount"];
const EFFECTS: readonly string[] = ["NoExecute", "NoSchedule"];
const ONE_KIND = "exactly one of `exactly` or `firstAvailable` is required";
const NO_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/** Names of requests, with those of their alternatives. */
export type RequestNames = ReadonlyMap<string, ReadonlySet<string>>;

export function requestNames({ requests = [] }: DeviceClaim): RequestNames {
  return new Map(requests.map(({ name, firstAvailable = [] }) => [name, new Set(firstAvailable.map((one) => one.name))]));
}

/** `request`, or `request/alternative`. */
export function validateRequestRef(name: string, names: RequestNames, field: string): FieldError[] {
  const [request = "", alternative, ...more] = name.split("/");
  if (more.length > 0) return [invalid(field, name, NO_REQUEST)];
  const errors = [request, ...(alternative === undefined ? [] : [alternative])].flatMap((part) => labelNamed(part, field));
  const known = names.get(request);
  const found = known !== undefined && (alternative === undefined || known.has(alternative));
  return found ? errors : [...errors, invalid(field, name, NO_REQUEST)];
}

export function validateRequestRefs(requests: readonly string[] | undefined, names: RequestNames, field: string): FieldError[] {
  return validateSet(
    requests,
    REQUESTS_MAX,
    (name, path) => validateRequestRef(name, names, path),
    (name) => name,
    field,
  );
}

export function validateSelectors(selectors: readonly DeviceSelector[] | undefined, field: string): FieldError[] {
  return validateList(
    selectors,
    SELECTORS_MAX,
    ({ cel }, path) =>
      cel === undefined ? [required(`${path}.cel`)] : validateSelectorExpression(cel.expression ?? "", `${path}.cel.expression`),
    field,
  );
}

/** `known`: it was let in before, when there may have been no limit. */
export function validateOpaque(opaque: OpaqueDeviceConfiguration | undefined, known: boolean, field: string): FieldError[] {
  if (opaque === undefined) return [required(`${field}.opaque`)];
  const { driver, parameters } = opaque;
  return [
    ...validateDriver(driver, `${field}.opaque.driver`),
    ...validateRaw(parameters, known ? Number.POSITIVE_INFINITY : PARAMETERS_BYTES_MAX, `${field}.opaque.parameters`),
  ];
}

/** An object that is somebody else's. */
export function validateRaw(raw: unknown, bytes_max: number, field: string): FieldError[] {
  if (raw === undefined || raw === null) return [required(field)];
  if (Buffer.byteLength(JSON.stringify(raw)) > bytes_max) return [tooLong(field, bytes_max)];
  return typeof raw === "object" && !Array.isArray(raw) ? [] : [invalid(field, "<value omitted>", "must be a valid JSON object")];
}

function validateCount(mode: string | undefined, count: number, field: string): FieldError[] {
  switch (mode) {
    case "All":
      return count === 0 ? [] : [invalid(`${field}.count`, count, "must not be specified when allocationMode is 'All'")];
    case "ExactCount":
      return count > 0 ? [] : [invalid(`${field}.count`, count, "must be greater than zero")];
    default:
      return [notSupported(`${field}.allocationMode`, mode ?? "", MODES)];
  }
}

function validateToleration({ key, operator, value = "", effect }: DeviceToleration, field: string): FieldError[] {
  const errors = key ? qualifiedName(key).map((words) => invalid(`${field}.key`, key, words)) : [];
  if (operator === "Exists") {
    if (value !== "") errors.push(invalid(`${field}.value`, value, "must be empty for operator `Exists`"));
  } else if (operator === "Equal") errors.push(...labelValue(value).map((words) => invalid(`${field}.value`, value, words)));
  else errors.push(operator ? notSupported(`${field}.operator`, operator, ["Equal", "Exists"]) : required(`${field}.operator`));
  return effect && !EFFECTS.includes(effect) ? [...errors, notSupported(`${field}.effect`, effect, EFFECTS)] : errors;
}

/** What one request wants, or one of its alternatives. */
function validateWanted(wanted: ExactDeviceRequest | DeviceSubRequest, field: string): FieldError[] {
  const { deviceClassName, selectors, allocationMode, count = 0, tolerations = [] } = wanted;
  return [
    ...classNamed(deviceClassName, `${field}.deviceClassName`),
    ...validateSelectors(selectors, `${field}.selectors`),
    ...validateCount(allocationMode, count, field),
    ...tolerations.flatMap((toleration, index) => validateToleration(toleration, `${field}.tolerations[${index}]`)),
  ];
}

function validateAlternative(alternative: DeviceSubRequest, field: string): FieldError[] {
  return [...labelNamed(alternative.name, `${field}.name`), ...validateWanted(alternative, field)];
}

function validateRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, field: string): FieldError[] {
  const alternatives = firstAvailable.length > 0;
  const errors = [
    ...labelNamed(name, `${field}.name`),
    ...validateSet(firstAvailable, ALTERNATIVES_MAX, validateAlternative, (one) => one.name, `${field}.firstAvailable`, ".name"),
    ...(exactly === undefined ? [] : validateWanted(exactly, `${field}.exactly`)),
  ];
  if (exactly === undefined && !alternatives) return [...errors, required(field, ONE_KIND)];
  return exactly !== undefined && alternatives ? [...errors, invalid(field, null, `${ONE_KIND}, but multiple fields are set`)] : errors;
}

/** Kubernetes forgets to take out the attribute that is behind a gate, and holds it to its rule. */
function validateConstraint(
  { requests, matchAttribute, distinctAttribute }: DeviceConstraint,
  names: RequestNames,
  field: string,
): FieldError[] {
  const errors = validateRequestRefs(requests, names, `${field}.requests`);
  if (matchAttribute !== undefined) return [...errors, ...validateFullyQualifiedName(matchAttribute, `${field}.matchAttribute`)];
  if (distinctAttribute !== undefined) return [...errors, ...validateFullyQualifiedName(distinctAttribute, `${field}.distinctAttribute`)];
  return [...errors, required(`${field}.matchAttribute`)];
}

function validateConfiguration(
  { requests, opaque }: DeviceClaimConfiguration,
  names: RequestNames,
  known: boolean,
  field: string,
): FieldError[] {
  return [...validateRequestRefs(requests, names, `${field}.requests`), ...validateOpaque(opaque, known, field)];
}

export function validateDeviceClaim(claim: DeviceClaim | undefined, known: boolean, field: string): FieldError[] {
  if (claim === undefined) return [];
  const names = requestNames(claim);
  return [
    ...validateSet(claim.requests, REQUESTS_MAX, validateRequest, ({ name }) => name, `${field}.requests`, ".name"),
    ...validateList(claim.constraints, CONSTRAINTS_MAX, (one, path) => validateConstraint(one, names, path), `${field}.constraints`),
    ...validateList(claim.config, CONFIGURATIONS_MAX, (one, path) => validateConfiguration(one, names, known, path), `${field}.config`),
  ];
}

/** Changes the claim that it is given. */
export function defaultDeviceClaim({ requests = [] }: DeviceClaim = {}): void {
  for (const { exactly, firstAvailable = [] } of requests) {
    for (const wanted of exactly === undefined ? firstAvailable : [exactly, ...firstAvailable]) {
      wanted.allocationMode ||= "ExactCount";
      if (wanted.allocationMode === "ExactCount") wanted.count ||= 1;
    }
  }
}

/** Requests for a part of what a device can give are behind a gate that is closed. Changes the claim that it is given. */
export function dropDisabledOfClaim({ requests = [] }: DeviceClaim = {}): void {
  for (const { exactly, firstAvailable = [] } of requests) {
    delete exactly?.capacity;
    for (const alternative of firstAvailable) delete alternative.capacity;
  }
}

/** The field of the first request that wants devices which others use. Source: AuthorizedForAdmin of pkg/registry/resource. */
export function adminRequest({ requests = [] }: DeviceClaim = {}): string | undefined {
  const index = requests.findIndex(({ exactly }) => exactly?.adminAccess === true);
  return index < 0 ? undefined : `spec.devices.requests[${index}].adminAccess`;
}
