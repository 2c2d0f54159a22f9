/** What clients are told of pods and templates of pods that are accepted, but hardly meant so. Source: pkg/api/pod/warnings.go. */
import { addressWarnings } from "../address-warnings.ts";
import { goQuote } from "../field-error.ts";
import type {
  Affinity,
  Container,
  ContainerPort,
  EnvVar,
  Pod,
  PodAffinityTerm,
  PodSpec,
  PodTemplateSpec,
  Volume,
} from "../generated/types.ts";
import { isWhole } from "../machinery/quantity.ts";
import { dnsLabel } from "../names.ts";
import type { KubeObject } from "../object.ts";
import { claimWarnings } from "./claim-rules.ts";
import { KnownSpecs } from "./known-specs.ts";
import { deprecatedLabel, labelWarnings, termWarnings } from "./node-labels.ts";
import { jsonOfFlawless } from "./pod-validation.ts";
import { volumePathWarnings } from "./volume-path-warnings.ts";

const BYTES: readonly string[] = ["memory", "ephemeral-storage"];
const MATCHES_NOTHING = "a null labelSelector results in matching no pod";
const SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP_WORDS = 'non-functional in v1.27+; use the "seccompProfile" field instead';

const ANNOTATIONS: readonly (readonly [key: string, words: string])[] = [
  ["scheduler.alpha.kubernetes.io/critical-pod", 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ["security.alpha.kubernetes.io/sysctls", 'non-functional in v1.11+; use the "sysctls" field instead'],
  ["security.alpha.kubernetes.io/unsafe-sysctls", 'non-functional in v1.11+; use the "sysctls" field instead'],
];

const VOLUMES: Readonly<Record<string, string | undefined>> = {
  photonPersistentDisk: "deprecated in v1.11, non-functional in v1.16+",
  gitRepo: "deprecated in v1.11, and disabled by default in v1.33+",
  scaleIO: "deprecated in v1.16, non-functional in v1.22+",
  flocker: "deprecated in v1.22, non-functional in v1.25+",
  storageos: "deprecated in v1.22, non-functional in v1.25+",
  quobyte: "deprecated in v1.22, non-functional in v1.25+",
  glusterfs: "deprecated in v1.25, non-functional in v1.26+",
  cephfs: "deprecated in v1.28, non-functional in v1.31+",
  rbd: "deprecated in v1.28, non-functional in v1.31+",
};

/** Of a pod's own name, or of one that its pods' begin with. */
function nameWarnings(name: string, used: string): string[] {
  const wrong = dnsLabel(name);
  if (wrong.length === 0) return [];
  return [
    `metadata.name: this is used in ${used}, which can result in surprising behavior; a DNS label is recommended: [${wrong.join(" ")}]`,
  ];
}

/** Specs of pods without annotations that there is nothing to say of: the pods of a template have the same one thousands of times. */
const quiet = new KnownSpecs();

export function podWarnings({ metadata: { name, annotations }, spec }: Pod): string[] {
  const json = annotations === undefined ? jsonOfFlawless(spec) : undefined;
  const ofName = nameWarnings(name, "the Pod's hostname");
  if (json !== undefined && quiet.has(json)) return ofName;
  const ofSpec = specWarnings(spec, annotations ?? {}, "", false);
  if (json !== undefined && ofSpec.length === 0) quiet.add(json);
  return [...ofName, ...ofSpec];
}

/** Of what makes pods by a template: when it is made, and when what it asks for has changed. */
export function makerWarnings(next: KubeObject, current: KubeObject | undefined, warnings: () => string[]): string[] {
  if (current !== undefined) return next.metadata.generation === current.metadata.generation ? [] : warnings();
  return [...nameWarnings(next.metadata.name, "Pod names and hostnames"), ...warnings()];
}

/** Of a template at `field`. */
export function templateWarnings(template: PodTemplateSpec | undefined, field: string): string[] {
  if (template?.spec === undefined) return [];
  return specWarnings(template.spec, template.metadata?.annotations ?? {}, `${field}.`, true);
}

const NONE: readonly string[] = [];

/** Most specs have little that could be warned of, and nothing is made for what they do not have. */
function specWarnings(spec: PodSpec, annotations: Readonly<Record<string, string>>, at: string, isTemplate: boolean): string[] {
  const field = `${at}spec`;
  const containers = containersOf(spec, field);
  const { volumes, hostAliases, imagePullSecrets, overhead, terminationGracePeriodSeconds: grace_s = 0, affinity, dnsConfig } = spec;
  return [
    ...placementWarnings(spec, field),
    ...ANNOTATIONS.flatMap(([key, words]) => (key in annotations ? [`${at}metadata.annotations[${key}]: ${words}`] : NONE)),
    ...(volumes === undefined ? NONE : allVolumeWarnings(volumes, field)),
    ...(hostAliases === undefined ? NONE : repeated(hostAliases, "ip", `${field}.hostAliases`)),
    ...(imagePullSecrets === undefined ? NONE : pullSecretWarnings(imagePullSecrets, `${field}.imagePullSecrets`)),
    ...(overhead === undefined ? NONE : BYTES.flatMap((name) => fractionWarnings(name, overhead, `${field}.overhead`))),
    ...seccompWarnings(spec, annotations, at),
    ...containers.flatMap(({ container, path }) => [
      ...(isTemplate ? appArmorWarnings(container, spec, annotations, at) : NONE),
      ...containerWarnings(container, annotations, at, path),
    ]),
    ...portWarnings(containers),
    ...(grace_s < 0
      ? [`${field}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]
      : NONE),
    ...(affinity === undefined ? NONE : affinityWarnings(affinity, `${field}.affinity`)),
    ...(dnsConfig?.nameservers ?? NONE).flatMap((ip, index) => addressWarnings(ip, `${field}.dnsConfig.nameservers[${index}]`)),
    ...(hostAliases ?? []).flatMap(({ ip }, index) => addressWarnings(ip ?? "", `${field}.hostAliases[${index}].ip`)),
  ];
}

function allVolumeWarnings(volumes: readonly Volume[], field: string): string[] {
  return [
    ...volumes.flatMap((volume, index) => volumeWarnings(volume, `${field}.volumes[${index}]`)),
    ...volumePathWarnings(volumes as Volume[]),
  ];
}

function pullSecretWarnings(secrets: NonNullable<PodSpec["imagePullSecrets"]>, field: string): string[] {
  const nameless = secrets.flatMap(({ name }, index) => (name ? [] : [`${field}[${index}].name: invalid empty name ""`]));
  return [...repeated(secrets, "name", field), ...nameless];
}

interface Placed {
  readonly container: Container;
  readonly path: string;
}

function containersOf(spec: PodSpec, field: string): Placed[] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((name) =>
    (spec[name] ?? []).map((container, index) => ({ container: container as Container, path: `${field}.${name}[${index}]` })),
  );
}

function placementWarnings({ nodeSelector, affinity, topologySpreadConstraints = [] }: PodSpec, field: string): readonly string[] {
  const node = affinity?.nodeAffinity;
  if (nodeSelector === undefined && node === undefined && topologySpreadConstraints.length === 0) return NONE;
  const path = `${field}.affinity.nodeAffinity`;
  const must = node?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return [
    ...labelWarnings(nodeSelector, (key) => `${field}.nodeSelector[${key}]`),
    ...must.flatMap((term, index) =>
      termWarnings(term, false, `${path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`),
    ),
    ...(node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ preference }, index) =>
      termWarnings(preference, true, `${path}.preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`),
    ),
    ...topologySpreadConstraints.flatMap(({ topologyKey, labelSelector }, index) => {
      const at = `${field}.topologySpreadConstraints[${index}]`;
      const words = deprecatedLabel(topologyKey);
      const nothing = labelSelector === undefined ? [`${at}.labelSelector: ${MATCHES_NOTHING}`] : [];
      return words === undefined ? nothing : [`${at}.topologyKey: ${topologyKey} is ${words}`, ...nothing];
    }),
  ];
}

function volumeWarnings(volume: Volume, field: string): string[] {
  const warnings: string[] = [];
  for (const name in volume) {
    const words = VOLUMES[name];
    if (words === undefined || volume[name as keyof Volume] === undefined) continue;
    warnings.push(`${field}.${name === "storageos" ? "storageOS" : name}: ${words}`);
  }
  return [...warnings, ...claimWarnings(volume.ephemeral?.volumeClaimTemplate?.spec, `${field}.ephemeral.volumeClaimTemplate.spec`)];
}

function repeated<Key extends string>(items: readonly Partial<Record<Key, string>>[] | undefined, key: Key, field: string): string[] {
  if (items === undefined || items.length < 2) return [];
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const value = item[key] ?? "";
    if (seen.has(value)) return [`${field}[${index}].${key}: duplicate ${key} ${goQuote(value)}`];
    seen.add(value);
    return [];
  });
}

/** There is no part of a byte. */
function fractionWarnings(name: string, amounts: Readonly<Record<string, string>> | undefined, field: string): string[] {
  const text = amounts?.[name];
  if (text === undefined || isWhole(text)) return [];
  return [`${field}[${name}]: fractional byte value ${goQuote(text)} is invalid, must be an integer`];
}

function seccompWarnings(spec: PodSpec, annotations: Readonly<Record<string, string>>, at: string): string[] {
  const silent = spec.securityContext?.seccompProfile !== undefined || !(SECCOMP_POD in annotations);
  return silent ? [] : [`${at}metadata.annotations[${SECCOMP_POD}]: ${SECCOMP_WORDS}`];
}

function appArmorWarnings(
  { name, securityContext }: Container,
  { securityContext: whole }: PodSpec,
  annotations: Readonly<Record<string, string>>,
  at: string,
): string[] {
  const key = `${APP_ARMOR}${name}`;
  const annotation = annotations[key];
  if (annotation === undefined || securityContext?.appArmorProfile !== undefined) return [];
  const { type, localhostProfile } = whole?.appArmorProfile ?? {};
  const said = { Unconfined: "unconfined", RuntimeDefault: "runtime/default", Localhost: `localhost/${localhostProfile ?? ""}` };
  if (type !== undefined && said[type as keyof typeof said] === annotation) return [];
  return [`${at}metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`];
}

function containerWarnings(container: Container, annotations: Readonly<Record<string, string>>, at: string, path: string): string[] {
  const { name, securityContext, resources, env = [] } = container;
  const key = `${SECCOMP_CONTAINER}${name}`;
  const seccomp = securityContext?.seccompProfile === undefined && key in annotations;
  return [
    ...(seccomp ? [`${at}metadata.annotations[${key}]: ${SECCOMP_WORDS}`] : []),
    ...(resources === undefined ? NONE : amountWarnings(resources, `${path}.resources`)),
    ...(env.length > 1 ? hiddenVariables(env, `${path}.env`) : []),
  ];
}

function amountWarnings({ limits, requests }: NonNullable<Container["resources"]>, field: string): string[] {
  return BYTES.flatMap((bytes) => [
    ...fractionWarnings(bytes, limits, `${field}.limits`),
    ...fractionWarnings(bytes, requests, `${field}.requests`),
  ]);
}

/** One that is said again must be said of what it was. */
function hiddenVariables(env: readonly EnvVar[], field: string): string[] {
  const seen = new Set<string>();
  return env.flatMap(({ name, value = "", valueFrom }, index) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const before = `$(${name})`;
    if (valueFrom === undefined && value !== before && value.includes(before)) return [];
    return [`${field}[${index}]: hides previous definition of ${goQuote(name)}, which may be dropped when using apply`];
  });
}

/** More than any answer has room for. */
const WARNINGS_MAX = 500;

/** As Go prints a struct. */
function printedPort({ name = "", hostPort = 0, containerPort, protocol = "", hostIP = "" }: ContainerPort): string {
  return `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
}

function conflictOf(port: ContainerPort, other: ContainerPort): string | undefined {
  const [hostIP = "", otherIP = ""] = [port.hostIP, other.hostIP];
  const [hostPort, otherPort] = [port.hostPort ?? 0, other.hostPort ?? 0];
  if (hostIP === otherIP && hostPort === otherPort) return "duplicate";
  if (hostPort === 0 || otherPort === 0) return "overlapping";
  return hostPort === otherPort && (hostIP === "") !== (otherIP === "") ? "dangerously ambiguous" : undefined;
}

function portWarnings(containers: readonly Placed[]): string[] {
  const ports = containers.flatMap(({ container, path }) =>
    (container.ports ?? []).map((port, index) => ({ port, at: `${path}.ports[${index}]` })),
  );
  if (ports.length === 0) return [];
  const names = new Map<string, string>();
  const byPort = new Map<string, { readonly port: ContainerPort; readonly at: string }[]>();
  const conflicts: string[] = [];
  for (const { port, at } of ports) {
    if (port.hostIP && !port.hostPort) conflicts.push(`${at}: hostIP set without hostPort: ${printedPort(port)}`);
    const key = `${port.containerPort}/${port.protocol ?? ""}`;
    const same = byPort.get(key) ?? [];
    byPort.set(key, same);
    for (const { port: other, at: there } of same) {
      const how = conflictOf(port, other);
      if (how !== undefined && conflicts.length < WARNINGS_MAX) conflicts.push(`${at}: ${how} port definition with ${there}`);
    }
    if (same.length < WARNINGS_MAX) same.push({ port, at });
  }
  const repetitions = ports.flatMap(({ port: { name }, at }) => {
    if (!name) return [];
    const first = names.get(name);
    if (first !== undefined) {
      return [`${at}: duplicate port name ${goQuote(name)} with ${first}, services and probes that select ports by name will use ${first}`];
    }
    names.set(name, at);
    return [];
  });
  return [...conflicts, ...repetitions];
}

function affinityWarnings(affinity: Affinity, field: string): string[] {
  const nothing = (term: PodAffinityTerm | undefined, at: string): string[] =>
    term?.labelSelector === undefined ? [`${at}.labelSelector: ${MATCHES_NOTHING}`] : [];
  return (["podAffinity", "podAntiAffinity"] as const).flatMap((name) => {
    const { requiredDuringSchedulingIgnoredDuringExecution: must = [], preferredDuringSchedulingIgnoredDuringExecution: may = [] } =
      affinity[name] ?? {};
    const path = `${field}.${name}`;
    return [
      ...must.flatMap((term, index) => nothing(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`)),
      ...may.flatMap(({ podAffinityTerm }, index) =>
        nothing(podAffinityTerm, `${path}.preferredDuringSchedulingIgnoredDuringExecution[${index}].podAffinityTerm`),
      ),
    ];
  });
}
