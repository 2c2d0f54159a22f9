/**
 * A container's environment variables. Source: kubelet's makeEnvironmentVariables and envvars.FromServices (Kubernetes 1.34).
 */
import type { ConfigMap, Container, EnvVarSource, Node, Pod, Secret, Service } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import type { KubeObject } from "../../kinds/object.ts";
import type { EnvVariable } from "../../node/container-runtime.ts";
import type { ObjectView } from "../../store/view.ts";
import type { PodPlace } from "../pod-status.ts";
import { fieldValue, resourceValue } from "./downward.ts";
import { expanded } from "./expansion.ts";

/** What a container wants and is not there: it waits for it as `CreateContainerConfigError`. */
export class ConfigMissing extends Error {
  override readonly name = "ConfigMissing";
}

type Read = Pick<ObjectView, "get" | "list" | "decode">;

/** Throws ConfigMissing. */
export function environmentOf(view: Read, pod: Pod, container: Container, place: PodPlace): readonly EnvVariable[] {
  const services = serviceVariables(view, pod);
  const own = new Map<string, string>();
  for (const [name, value] of envFrom(view, pod, container)) own.set(name, value);
  for (const { name, value = "", valueFrom } of container.env ?? []) {
    const known = (asked: string): string | undefined => own.get(asked) ?? services.get(asked);
    const told = value !== "" || valueFrom === undefined ? expanded(value, known) : sourceValue(view, pod, container, valueFrom, place);
    if (told !== undefined) own.set(name, told);
  }
  return [...new Map([...services, ...own])].map(([name, value]) => ({ name, value }));
}

function* envFrom(view: Read, pod: Pod, container: Container): Generator<readonly [string, string]> {
  for (const { configMapRef, secretRef, prefix = "" } of container.envFrom ?? []) {
    const data =
      configMapRef === undefined ? (secretRef === undefined ? {} : secretData(view, pod, secretRef)) : configData(view, pod, configMapRef);
    for (const [key, value] of Object.entries(data ?? {})) yield [prefix + key, value];
  }
}

/** Undefined: it is optional and not there. */
function sourceValue(view: Read, pod: Pod, container: Container, from: EnvVarSource, place: PodPlace): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = from;
  if (fieldRef !== undefined) {
    const value = fieldValue(pod, fieldRef.fieldPath, place);
    if (value === undefined) throw new ConfigMissing(`unsupported fieldPath: ${fieldRef.fieldPath}`);
    return value;
  }
  if (resourceFieldRef !== undefined) {
    const value = resourceValue(resourceFieldRef, container, allocatableOf(view, pod));
    if (value === undefined) throw new ConfigMissing(`unsupported container resource : ${resourceFieldRef.resource}`);
    return value;
  }
  const ref = configMapKeyRef ?? secretKeyRef;
  if (ref === undefined) return undefined;
  const [what, data] = configMapKeyRef === undefined ? ["Secret", secretData(view, pod, ref)] : ["ConfigMap", configData(view, pod, ref)];
  const value = data?.[ref.key];
  if (value !== undefined || ref.optional === true) return value;
  throw new ConfigMissing(`couldn't find key ${ref.key} in ${what} ${pod.metadata.namespace}/${ref.name}`);
}

/** What a container may take that says nothing of it: what its pod may, else what its node has for pods. Source: kubelet's defaultPodLimitsForDownwardAPI. */
export function allocatableOf(view: Pick<ObjectView, "get">, { spec }: Pod): Readonly<Record<string, string>> {
  const { allocatable = {} } = view.get<Node>(keyFor({ group: "", plural: "nodes" }, undefined, spec.nodeName ?? ""))?.status ?? {};
  return { ...allocatable, ...spec.resources?.limits };
}

interface Reference {
  readonly name?: string;
  readonly optional?: boolean;
}

function configData(view: Read, pod: Pod, ref: Reference): Readonly<Record<string, string>> | undefined {
  return referred<ConfigMap>(view, pod, "configmaps", ref)?.data ?? {};
}

function secretData(view: Read, pod: Pod, ref: Reference): Readonly<Record<string, string>> | undefined {
  const data = referred<Secret>(view, pod, "secrets", ref)?.data ?? {};
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
}

function referred<T extends KubeObject>(view: Read, pod: Pod, plural: string, { name = "", optional }: Reference): T | undefined {
  const found = view.get<T>(keyFor({ group: "", plural }, pod.metadata.namespace, name));
  if (found === undefined && optional !== true) throw new ConfigMissing(`${plural.slice(0, -1)} ${JSON.stringify(name)} not found`);
  return found;
}

const API_SERVICE = "kubernetes";

/** The services of the pod's namespace, and the API's, as variables that Docker's links had too. */
function serviceVariables(view: Read, { metadata, spec }: Pod): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  const add = (service: Service): void => {
    for (const [name, value] of variablesOf(service)) variables.set(name, value);
  };
  const api = view.get<Service>(keyFor({ group: "", plural: "services" }, "default", API_SERVICE));
  if (api !== undefined) add(api);
  if (spec.enableServiceLinks === false) return variables;
  for (const entry of view.list("services", metadata.namespace)) add(view.decode<Service>(entry));
  return variables;
}

function* variablesOf({ metadata, spec = {} }: Service): Generator<readonly [string, string]> {
  const { clusterIP = "", ports = [] } = spec;
  const [first] = ports;
  if (clusterIP === "" || clusterIP === "None" || first === undefined) return;
  const prefix = variableName(metadata.name);
  yield [`${prefix}_SERVICE_HOST`, clusterIP];
  yield [`${prefix}_SERVICE_PORT`, String(first.port)];
  for (const { name, port, protocol = "TCP" } of ports) {
    if (name !== undefined && name !== "") yield [`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port)];
    const scheme = protocol.toLowerCase();
    const url = `${scheme}://${clusterIP.includes(":") ? `[${clusterIP}]` : clusterIP}:${port}`;
    const ported = `${prefix}_PORT_${port}_${protocol}`;
    if (port === first.port && protocol === (first.protocol ?? "TCP")) yield [`${prefix}_PORT`, url];
    yield [ported, url];
    yield [`${ported}_PROTO`, scheme];
    yield [`${ported}_PORT`, String(port)];
    yield [`${ported}_ADDR`, clusterIP];
  }
}

function variableName(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}
