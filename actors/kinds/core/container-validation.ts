/** Containers of a pod. Source: validateContainers and what it calls in pkg/apis/core/validation. */
import { duplicate, forbidden, invalid, notFoundValue, notSupported, required } from "../field-error.ts";
import { oneOf, requiredOneOf } from "../field-rules.ts";
import type {
  Container,
  ContainerPort,
  ContainerResizePolicy,
  EnvFromSource,
  EnvVar,
  Lifecycle,
  PodSpec,
  Probe,
  Volume,
  VolumeMount,
} from "../generated/types.ts";
import { configMapKey, dnsLabel, dnsSubdomain, portName, portNumber } from "../names.ts";
import type { FieldError } from "../status.ts";
import { ENV_FIELDS, validateFieldRef, validateResourceRef } from "./downward-validation.ts";
import { validateLifecycle, validateProbe } from "./probe-validation.ts";
import { validateResources } from "./resource-validation.ts";
import { validateContainerSecurity, validateDescendingPath } from "./security-validation.ts";

/** What of its pod a container's fields are judged by. */
export interface ContainerContext {
  /** The pod's valid volumes by name. */
  readonly volumes: ReadonlyMap<string, Volume>;
  /** Names of the pod's claims on devices. */
  readonly claims: ReadonlySet<string>;
  readonly grace_s: number;
  readonly restartPolicy: string;
  /** Whether root in the container is root on the node. */
  readonly hostUsers: boolean;
}

export const PROTOCOLS: readonly string[] = ["SCTP", "TCP", "UDP"];

export function validatePorts(ports: readonly ContainerPort[] | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, port] of (ports ?? []).entries()) {
    const path = `${field}[${index}]`;
    if (port.name) {
      const wrong = portName(port.name);
      for (const message of wrong) errors.push(invalid(`${path}.name`, port.name, message));
      if (wrong.length === 0 && names.has(port.name)) errors.push(duplicate(`${path}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(`${path}.containerPort`));
    else for (const message of portNumber(port.containerPort)) errors.push(invalid(`${path}.containerPort`, port.containerPort, message));
    if (port.hostPort) for (const message of portNumber(port.hostPort)) errors.push(invalid(`${path}.hostPort`, port.hostPort, message));
    if (!port.protocol) errors.push(required(`${path}.protocol`));
    else if (!PROTOCOLS.includes(port.protocol)) errors.push(notSupported(`${path}.protocol`, port.protocol, PROTOCOLS));
  }
  return errors;
}

const ENV_NAME_WORDS = "a valid environment variable name must consist only of printable ASCII characters other than '='";

function validateKeyRef(ref: { name?: string; key: string }, field: string): FieldError[] {
  const errors = dnsSubdomain(ref.name ?? "").map((message) => invalid(`${field}.name`, ref.name ?? "", message));
  if (!ref.key) errors.push(required(`${field}.key`));
  else for (const message of configMapKey(ref.key)) errors.push(invalid(`${field}.key`, ref.key, message));
  return errors;
}

function validateEnv(variables: readonly EnvVar[] | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, variable] of (variables ?? []).entries()) {
    const path = `${field}[${index}]`;
    if (!variable.name) errors.push(required(`${path}.name`));
    else if (!/^[ -<>-~]+$/.test(variable.name)) errors.push(invalid(`${path}.name`, variable.name, ENV_NAME_WORDS));
    const from = variable.valueFrom;
    if (from === undefined) continue;
    const at = `${path}.valueFrom`;
    const sources = Object.keys(from).length;
    if (from.fieldRef !== undefined) errors.push(...validateFieldRef(from.fieldRef, ENV_FIELDS, `${at}.fieldRef`));
    if (from.resourceFieldRef !== undefined) errors.push(...validateResourceRef(from.resourceFieldRef, false, `${at}.resourceFieldRef`));
    if (from.configMapKeyRef !== undefined) errors.push(...validateKeyRef(from.configMapKeyRef, `${at}.configMapKeyRef`));
    if (from.secretKeyRef !== undefined) errors.push(...validateKeyRef(from.secretKeyRef, `${at}.secretKeyRef`));
    if (sources === 0) {
      errors.push(invalid(at, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"));
    } else if (variable.value) errors.push(invalid(at, "", "may not be specified when `value` is not empty"));
    else if (sources > 1) errors.push(invalid(at, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

function validateEnvFrom(sources: readonly EnvFromSource[] | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, source] of (sources ?? []).entries()) {
    const path = `${field}[${index}]`;
    if (source.prefix && !/^[ -<>-~]+$/.test(source.prefix)) errors.push(invalid(`${path}.prefix`, source.prefix, ENV_NAME_WORDS));
    for (const name of ["configMapRef", "secretRef"] as const) {
      const ref = source[name];
      if (ref === undefined) continue;
      if (!ref.name) errors.push(required(`${path}.${name}.name`));
      else for (const message of dnsSubdomain(ref.name)) errors.push(invalid(`${path}.${name}.name`, ref.name, message));
    }
    const count = Number(source.configMapRef !== undefined) + Number(source.secretRef !== undefined);
    if (count === 0) errors.push(invalid(field, "", "must specify one of: `configMapRef` or `secretRef`"));
    if (count > 1) errors.push(invalid(field, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

const RECURSIONS: readonly string[] = ["Disabled", "Enabled", "IfPossible"];
const RESIZABLE: readonly string[] = ["cpu", "memory"];
const RESIZE_POLICIES: readonly string[] = ["NotRequired", "RestartContainer"];
const PROPAGATIONS: readonly string[] = ["Bidirectional", "HostToContainer", "None"];

function validateMounts(
  mounts: readonly VolumeMount[] | undefined,
  context: ContainerContext,
  container: Container,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const paths = new Set<string>();
  for (const [index, mount] of (mounts ?? []).entries()) {
    const path = `${field}[${index}]`;
    if (!mount.name) errors.push(required(`${path}.name`));
    if (!context.volumes.has(mount.name ?? "")) errors.push(notFoundValue(`${path}.name`, mount.name ?? ""));
    if (!mount.mountPath) errors.push(required(`${path}.mountPath`));
    if (paths.has(mount.mountPath)) errors.push(invalid(`${path}.mountPath`, mount.mountPath, "must be unique"));
    paths.add(mount.mountPath);
    if (container.volumeDevices?.some((device) => device.name === mount.name)) {
      errors.push(invalid(`${path}.name`, mount.name, "must not already exist in volumeDevices"));
    }
    if (container.volumeDevices?.some((device) => device.devicePath === mount.mountPath)) {
      errors.push(invalid(`${path}.mountPath`, mount.mountPath, "must not already exist as a path in volumeDevices"));
    }
    if (mount.subPath) errors.push(...validateDescendingPath(mount.subPath, `${field}.subPath`));
    if (mount.subPathExpr) {
      if (mount.subPath) errors.push(invalid(`${path}.subPathExpr`, mount.subPathExpr, "subPathExpr and subPath are mutually exclusive"));
      errors.push(...validateDescendingPath(mount.subPathExpr, `${field}.subPathExpr`));
    }
    // Kubernetes names no mount where these are wrong.
    errors.push(
      ...validatePropagation(mount, container, `${field}.mountPropagation`),
      ...validateRecursion(mount, `${field}.recursiveReadOnly`),
    );
  }
  return errors;
}

function validatePropagation({ mountPropagation: propagation }: VolumeMount, container: Container, field: string): FieldError[] {
  const errors = oneOf(propagation, PROPAGATIONS, field);
  if (propagation === "Bidirectional" && container.securityContext?.privileged !== true) {
    errors.push(forbidden(field, "Bidirectional mount propagation is available only to privileged containers"));
  }
  return errors;
}

function validateRecursion({ recursiveReadOnly: mode, readOnly, mountPropagation: propagation }: VolumeMount, field: string): FieldError[] {
  if (mode !== "Enabled" && mode !== "IfPossible") return oneOf(mode, RECURSIONS, field);
  const errors = readOnly === true ? [] : [forbidden(field, "may only be specified when readOnly is true")];
  if (propagation !== undefined && propagation !== "None") {
    errors.push(forbidden(field, "may only be specified when mountPropagation is None or not specified"));
  }
  return errors;
}

/** Volumes that the container sees as devices. Source: ValidateVolumeDevices. */
function validateDevices({ volumeDevices = [], volumeMounts = [] }: Container, context: ContainerContext, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const [names, paths] = [new Set<string>(), new Set<string>()];
  for (const [index, { name = "", devicePath = "" }] of volumeDevices.entries()) {
    const [nameField, pathField] = [`${field}[${index}].name`, `${field}[${index}].devicePath`];
    const volume = context.volumes.get(name);
    if (name === "") errors.push(required(nameField));
    if (names.has(name)) errors.push(invalid(nameField, name, "must be unique"));
    if (volume !== undefined && volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      errors.push(invalid(nameField, name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"));
    }
    if (volume === undefined) errors.push(notFoundValue(nameField, name));
    if (devicePath === "") errors.push(required(pathField));
    if (paths.has(devicePath)) errors.push(invalid(pathField, devicePath, "must be unique"));
    if (devicePath.split("/").includes("..")) errors.push(invalid(pathField, devicePath, "can not contain backsteps ('..')"));
    else paths.add(devicePath);
    if (volumeMounts.some((mount) => mount.name === name)) errors.push(invalid(nameField, name, "must not already exist in volumeMounts"));
    if (volumeMounts.some((mount) => mount.mountPath === devicePath)) {
      errors.push(invalid(pathField, devicePath, "must not already exist as a path in volumeMounts"));
    }
    if (name !== "") names.add(name);
  }
  return errors;
}

/** What becomes of a container whose resources change while it runs. Source: validateResizePolicy. */
function validateResizePolicy(policies: readonly ContainerResizePolicy[] | undefined, restartPolicy: string, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { resourceName, restartPolicy: policy }] of (policies ?? []).entries()) {
    if (seen.has(resourceName)) errors.push(duplicate(`${field}[${index}]`, resourceName));
    seen.add(resourceName);
    errors.push(...requiredOneOf(resourceName, RESIZABLE, field), ...requiredOneOf(policy, RESIZE_POLICIES, field));
    if (restartPolicy === "Never" && policy !== "NotRequired") {
      errors.push(invalid(field, policy, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    }
  }
  return errors;
}

/** Of pods only, not of templates. Source: validateContainersOnlyForPod. */
export function validateImageSpace(containers: readonly Container[] | undefined, field: string): FieldError[] {
  const padded = (containers ?? []).map(({ image = "" }, index) => ({ image, path: `${field}[${index}].image` }));
  return padded
    .filter(({ image }) => image.trim() !== image)
    .map(({ image, path }) => invalid(path, image, "must not have leading or trailing whitespace"));
}

/** What all kinds of containers have in common. */
export function validateCommon(container: Container, context: ContainerContext, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const { name, image, terminationMessagePolicy: policy, imagePullPolicy: pull } = container;
  if (!name) errors.push(required(`${field}.name`));
  else for (const message of dnsLabel(name)) errors.push(invalid(`${field}.name`, name, message));
  if (!image) errors.push(required(`${field}.image`));
  if (!policy) errors.push(required(`${field}.terminationMessagePolicy`));
  else if (policy !== "File" && policy !== "FallbackToLogsOnError") {
    errors.push(notSupported(`${field}.terminationMessagePolicy`, policy, ["File", "FallbackToLogsOnError"]));
  }
  errors.push(
    ...validatePorts(container.ports, `${field}.ports`),
    ...validateEnv(container.env, `${field}.env`),
    ...validateEnvFrom(container.envFrom, `${field}.envFrom`),
    ...validateMounts(container.volumeMounts, context, container, `${field}.volumeMounts`),
    ...validateDevices(container, context, `${field}.volumeDevices`),
  );
  if (!pull) errors.push(required(`${field}.imagePullPolicy`));
  else if (!["Always", "IfNotPresent", "Never"].includes(pull)) {
    errors.push(notSupported(`${field}.imagePullPolicy`, pull, ["Always", "IfNotPresent", "Never"]));
  }
  errors.push(
    ...validateResources(container.resources, context.claims, `${field}.resources`),
    ...validateResizePolicy(container.resizePolicy, context.restartPolicy, `${field}.resizePolicy`),
    ...validateContainerSecurity(container.securityContext, context.hostUsers, `${field}.securityContext`),
  );
  return errors;
}

interface Probed {
  readonly lifecycle?: Lifecycle;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
}

function validateProbes(container: Probed, grace_s: number, field: string): FieldError[] {
  return [
    ...validateLifecycle(container.lifecycle, grace_s, `${field}.lifecycle`),
    ...validateProbe(container.livenessProbe, true, grace_s, `${field}.livenessProbe`),
    ...validateProbe(container.readinessProbe, false, grace_s, `${field}.readinessProbe`),
    ...validateProbe(container.startupProbe, true, grace_s, `${field}.startupProbe`),
  ];
}

function validateHostPorts(containers: readonly Container[], field: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, container] of containers.entries()) {
    for (const [at, port] of (container.ports ?? []).entries()) {
      if (!port.hostPort) continue;
      const key = `${port.protocol}/${port.hostIP ?? ""}/${port.hostPort}`;
      if (seen.has(key)) errors.push(duplicate(`${field}[${index}].ports[${at}].hostPort`, key));
      seen.add(key);
    }
  }
  return errors;
}

export function validateContainers(spec: PodSpec, context: ContainerContext, field: string): FieldError[] {
  const containers = spec.containers ?? [];
  if (containers.length === 0) return [required(field)];
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const path = `${field}[${index}]`;
    errors.push(...validateCommon(container, context, path));
    if (names.has(container.name)) errors.push(duplicate(`${path}.name`, container.name));
    names.add(container.name);
    errors.push(...validateProbes(container, context.grace_s, path));
  }
  errors.push(...validateHostPorts(containers, field));
  return errors;
}

export function validateInitContainers(spec: PodSpec, context: ContainerContext, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set((spec.containers ?? []).map((container) => container.name));
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const path = `${field}[${index}]`;
    errors.push(...validateCommon(container, context, path));
    if (container.name && names.has(container.name)) errors.push(duplicate(`${path}.name`, container.name));
    names.add(container.name);
    errors.push(...validateHostPorts([container], field));
    if (container.restartPolicy === "Always") {
      errors.push(...validateProbes(container, context.grace_s, path));
      continue;
    }
    if (container.lifecycle !== undefined)
      errors.push(forbidden(`${path}.lifecycle`, "may not be set for init containers without restartPolicy=Always"));
    for (const name of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
      if (container[name] !== undefined)
        errors.push(forbidden(`${path}.${name}`, "may not be set for init containers without restartPolicy=Always"));
    }
  }
  return errors;
}
