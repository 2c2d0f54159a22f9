/** What a status that is written of a pod must be. Source: ValidatePodStatusUpdate of pkg/apis/core/validation. */
import { familyOf, validateAddress } from "../addresses.ts";
import { duplicate, forbidden, invalid } from "../field-error.ts";
import { immutable, namedBy } from "../field-rules.ts";
import type { ContainerStatus, Pod, PodSpec } from "../generated/types.ts";
import { dnsSubdomain, qualifiedName } from "../names.ts";
import type { FieldError } from "../status.ts";

const SYSTEM_CONDITIONS: ReadonlySet<string> = new Set(["PodScheduled", "Ready", "Initialized"]);
const NEGATIVE = "must be a non-negative integer";

function validateConditions({ status }: Pod): FieldError[] {
  return (status?.conditions ?? []).flatMap(({ type, observedGeneration = 0 }, index) => {
    const field = `status.conditions[${index}]`;
    const errors = observedGeneration < 0 ? [invalid(`${field}.observedGeneration`, observedGeneration, NEGATIVE)] : [];
    // Kubernetes writes this field with a capital.
    return SYSTEM_CONDITIONS.has(type) ? errors : [...errors, ...qualifiedName(type).map((words) => invalid(`${field}.Type`, type, words))];
  });
}

/** Containers that have ended for good do not come back. `restarts`: those that may all the same. */
function validateStates(
  next: readonly ContainerStatus[] | undefined,
  current: readonly ContainerStatus[] | undefined,
  policy: string | undefined,
  restarts: ReadonlySet<string>,
  field: string,
): FieldError[] {
  if (policy === "Always") return [];
  return (current ?? []).flatMap(({ name, state }, index) => {
    const ended = state?.terminated;
    if (ended === undefined || restarts.has(name) || (policy === "OnFailure" && ended.exitCode !== 0)) return [];
    const back = (next ?? []).filter((status) => status.name === name && status.state?.terminated === undefined);
    return back.map(() => forbidden(`${field}[${index}].state`, "may not be transitioned to non-terminated state"));
  });
}

function sidecarsOf({ initContainers = [] }: PodSpec): ReadonlySet<string> {
  return new Set(initContainers.filter(({ restartPolicy }) => restartPolicy === "Always").map(({ name }) => name));
}

/** The claims that were made for the pod. Source: validatePodResourceClaimStatuses. */
function validateClaimStatuses({ spec, status }: Pod): FieldError[] {
  const statuses = status?.resourceClaimStatuses ?? [];
  const names = statuses.map(({ name }) => name);
  return statuses.flatMap(({ name, resourceClaimName }, index) => {
    const field = `status.resourceClaimStatuses[${index}].name`;
    const claimed = (spec.resourceClaims ?? []).some((claim) => claim.name === name);
    return [
      ...(claimed ? [] : [invalid(field, name, "must match the name of an entry in `spec.resourceClaims`")]),
      ...(names.indexOf(name) < index ? [duplicate(field, name)] : []),
      ...(resourceClaimName === undefined ? [] : dnsSubdomain(resourceClaimName).map((words) => invalid(field, resourceClaimName, words))),
    ];
  });
}

interface Address {
  readonly ip?: string;
}

/** At most one address of each family; those that were wrong before may stay. */
function validateAddresses(next: readonly Address[] | undefined, current: readonly Address[] | undefined, field: string): FieldError[] {
  const addresses = (next ?? []).map(({ ip = "" }) => ip);
  const known = new Set((current ?? []).map(({ ip = "" }) => ip));
  const errors = addresses.flatMap((ip, index) => (known.has(ip) ? [] : validateAddress(ip, `${field}[${index}]`)));
  const dual = addresses.length === 2 && familyOf(addresses[0] ?? "") !== familyOf(addresses[1] ?? "");
  if (addresses.length < 2 || dual) return errors;
  const shown = addresses.map((ip) => ({ IP: ip }));
  return [...errors, invalid(field, shown, "may specify no more than one IP for each IP family")];
}

export function validatePodStatus(next: Pod, current: Pod): FieldError[] {
  const { status = {}, spec } = next;
  const { status: before = {} } = current;
  const { nominatedNodeName: nominated, observedGeneration = 0, hostIP = "", hostIPs = [] } = status;
  const errors = validateConditions(next);
  if (nominated !== before.nominatedNodeName) errors.push(...namedBy(dnsSubdomain, nominated, "status.nominatedNodeName"));
  if (observedGeneration < 0) errors.push(invalid("status.observedGeneration", observedGeneration, NEGATIVE));
  const { restartPolicy } = spec;
  errors.push(
    ...immutable(status.qosClass, before.qosClass, "status.qosClass"),
    ...validateStates(status.containerStatuses, before.containerStatuses, restartPolicy, new Set(), "status.containerStatuses"),
    ...validateStates(
      status.initContainerStatuses,
      before.initContainerStatuses,
      restartPolicy,
      sidecarsOf(spec),
      "status.initContainerStatuses",
    ),
    ...validateClaimStatuses(next),
    ...validateAddresses(status.podIPs, before.podIPs, "status.podIPs"),
  );
  const [first] = hostIPs;
  if (first !== undefined && (first.ip ?? "") !== hostIP) {
    errors.push(invalid("status.hostIPs[0].ip", first.ip ?? "", "must be equal to `hostIP`"));
  }
  return [...errors, ...validateAddresses(hostIPs, before.hostIPs, "status.hostIPs")];
}
