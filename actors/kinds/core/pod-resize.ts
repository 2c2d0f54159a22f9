/**
 * Resizing the containers of a pod while it runs. Source: dropNonResizeUpdates, ValidatePodResize;
 * https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
 */
import { forbidden, invalid } from "../field-error.ts";
import type { Container, Pod, ResourceRequirements } from "../generated/types.ts";
import type { SpecDoor } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import type { FieldError } from "../status.ts";
import { isMirrorPod } from "./mirror-pod.ts";
import { qosClassOf } from "./pod-qos.ts";
import { validatePodSpec } from "./pod-validation.ts";

type Quantities = Readonly<Record<string, string>> | undefined;

const RESIZABLE = ["cpu", "memory"] as const;

const isSidecar = (container: Container): boolean => container.restartPolicy === "Always";

/** The current containers with the wanted resources; undefined when they are not the same ones, which validation then refuses. */
function resized(wanted: readonly Container[] | undefined, current: readonly Container[] | undefined): Container[] | undefined {
  if ((wanted?.length ?? 0) !== (current?.length ?? 0)) return undefined;
  if (current?.some(({ name }, index) => wanted?.[index]?.name !== name)) return undefined;
  return current?.map((container, index) => {
    const { resources: _resources, resizePolicy: _policy, ...rest } = container;
    const { resources, resizePolicy } = wanted?.[index] ?? container;
    return { ...rest, ...(resources === undefined ? {} : { resources }), ...(resizePolicy === undefined ? {} : { resizePolicy }) };
  });
}

function through(wanted: Pod, current: Pod): Pod {
  const containers = resized(wanted.spec?.containers, current.spec.containers);
  const initContainers = resized(wanted.spec?.initContainers, current.spec.initContainers);
  if (containers === undefined || (initContainers === undefined && current.spec.initContainers !== undefined)) return wanted;
  const next: Pod = { ...current, spec: { ...current.spec, containers } };
  if (initContainers !== undefined) next.spec.initContainers = initContainers;
  return next;
}

function hasPodResources(pod: Pod): boolean {
  const { requests = {}, limits = {} } = pod.spec.resources ?? {};
  return Object.keys(requests).length + Object.keys(limits).length > 0;
}

/** Nodes that resize say so by reporting the resources of what runs. */
function nodeResizes(pod: Pod): boolean {
  const running = pod.status?.containerStatuses?.find(({ state }) => state?.running !== undefined);
  return running === undefined || running.resources !== undefined;
}

function isMissing(wanted: Quantities, current: Quantities): boolean {
  return Object.keys(current ?? {}).some((name) => wanted?.[name] === undefined);
}

function validateResize(wanted: Container, current: Container, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const [next, before] = [wanted.resources ?? {}, current.resources ?? {}];
  if (isMissing(next.requests, before.requests)) errors.push(forbidden(`${field}.requests`, "resource requests cannot be removed"));
  if (isMissing(next.limits, before.limits)) errors.push(forbidden(`${field}.limits`, "resource limits cannot be removed"));
  return errors;
}

function withResizableOf(resources: Quantities, current: Quantities): Record<string, string> | undefined {
  if (resources === undefined && current === undefined) return undefined;
  const rest: Record<string, string> = { ...resources };
  for (const name of RESIZABLE) {
    delete rest[name];
    const before = current?.[name];
    if (before !== undefined) rest[name] = before;
  }
  return rest;
}

/** The container with cpu and memory as they were. */
function munged(container: Container, current: Container): Container {
  const { requests, limits } = container.resources ?? {};
  const resources: ResourceRequirements = {};
  const [oldLimits, oldRequests] = [
    withResizableOf(limits, current.resources?.limits),
    withResizableOf(requests, current.resources?.requests),
  ];
  if (oldLimits !== undefined) resources.limits = oldLimits;
  if (oldRequests !== undefined) resources.requests = oldRequests;
  return { ...container, resources };
}

/** All else compares containers one by one. */
function validateSame(next: readonly Container[] = [], current: readonly Container[] = [], name: string): FieldError[] {
  if (next.length !== current.length) return [forbidden(`spec.${name}`, `${name} may not be added or removed on resize`)];
  return current.flatMap((before, index) => {
    const moved = next[index]?.name !== before.name;
    return moved ? [forbidden(`spec.${name}[${index}].name`, `${name} may not be renamed or reordered on resize`)] : [];
  });
}

function validate(next: Pod, current: Pod): FieldError[] {
  const { spec } = next;
  const errors = validatePodSpec(spec, "spec", { pod: next.metadata.name });
  if (hasPodResources(current) || hasPodResources(next)) return [forbidden("", "pods with pod-level resources cannot be resized")];
  if (isMirrorPod(current)) return [forbidden("", "static pods cannot be resized")];
  if (current.spec.os?.name === "windows") return [forbidden("", "windows pods cannot be resized")];
  const qosClass = current.status?.qosClass ?? qosClassOf(current);
  if (qosClassOf(next) !== qosClass) errors.push(invalid("spec", qosClass, "Pod QOS Class may not change as a result of resizing"));
  if (!nodeResizes(current)) errors.push(forbidden("spec", "Pod running on node without support for resize"));
  const others = [
    ...validateSame(spec.containers, current.spec.containers, "containers"),
    ...validateSame(spec.initContainers, current.spec.initContainers, "initContainers"),
  ];
  if (others.length > 0) return [...errors, ...others];
  const inits = (current.spec.initContainers ?? []).map((before, index) => ({
    before,
    now: spec.initContainers?.[index] ?? before,
    index,
  }));
  const containers = current.spec.containers.map((before, index) => ({ before, now: spec.containers[index] ?? before, index }));
  for (const { before, now, index } of inits) {
    if (isSidecar(before)) errors.push(...validateResize(now, before, `spec.initContainers[${index}].resources`));
  }
  for (const { before, now, index } of containers) {
    errors.push(...validateResize(now, before, `spec.containers[${index}].resources`));
    if (!semanticEqual(munged(now, before), before)) errors.push(forbidden("spec", "only cpu and memory resources are mutable"));
  }
  for (const { before, now } of inits) {
    if (!isSidecar(before)) {
      if (!semanticEqual(now, before)) errors.push(forbidden("spec", "resources for non-sidecar init containers are immutable"));
    } else if (!semanticEqual(munged(now, before), before)) {
      errors.push(forbidden("spec", "only cpu and memory resources for sidecar containers are mutable"));
    }
  }
  return errors;
}

export const RESIZE: SpecDoor<Pod> = { through, validate };
