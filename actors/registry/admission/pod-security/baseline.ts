/** What the level `baseline` forbids: known ways to more than a pod's own. Source: the page "Pod Security Standards", and k8s.io/pod-security-admission/policy. */
import type { Container, LifecycleHandler, Probe, SELinuxOptions } from "../../../kinds/generated/types.ts";
import { type Check, containersOf, type Finding, named, plural, quoted, setters, sortedSet } from "./words.ts";

const APP_ARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/";
const PROFILES: ReadonlySet<string> = new Set(["RuntimeDefault", "Localhost"]);
const CAPABILITIES: ReadonlySet<string> = new Set([
  ...["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"],
  ...["NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"],
]);

export const appArmorProfile: Check = ({ metadata, spec }) => {
  const isBad = (type: string | undefined): boolean => type !== undefined && !PROFILES.has(type);
  const own = spec.securityContext?.appArmorProfile?.type;
  const bad = containersOf(spec).filter(({ securityContext }) => isBad(securityContext?.appArmorProfile?.type));
  const annotations = Object.entries(metadata.annotations ?? {})
    .filter(
      ([key, value]) => key.startsWith(APP_ARMOR_ANNOTATION) && !["", "runtime/default"].includes(value) && !value.startsWith("localhost/"),
    )
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const types = [...(isBad(own) ? [own ?? ""] : []), ...bad.map(({ securityContext }) => securityContext?.appArmorProfile?.type ?? "")];
  const values = [...sortedSet(types), ...annotations];
  if (values.length === 0) return undefined;
  const who = [
    setters(
      isBad(own),
      bad.map(({ name }) => name),
    ),
    annotations.length > 0 ? plural("annotation", "annotations", annotations.length) : "",
  ];
  return {
    reason: plural("forbidden AppArmor profile", "forbidden AppArmor profiles", values.length),
    detail: `${who.filter((one) => one !== "").join(" and ")} must not set AppArmor profile type to ${quoted(values)}`,
  };
};

export const baselineCapabilities: Check = ({ spec }) => {
  const added = ({ securityContext }: Container): string[] =>
    (securityContext?.capabilities?.add ?? []).filter((one) => !CAPABILITIES.has(one));
  const bad = containersOf(spec).filter((container) => added(container).length > 0);
  if (bad.length === 0) return undefined;
  const all = quoted(sortedSet(bad.flatMap(added)));
  const detail = `${named(
    "container",
    bad.map(({ name }) => name),
  )} must not include ${all} in securityContext.capabilities.add`;
  return { reason: "non-default capabilities", detail };
};

export const hostNamespaces: Check = ({ spec }) => {
  const shared = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((one) => spec[one] === true);
  return shared.length === 0 ? undefined : { reason: "host namespaces", detail: shared.map((one) => `${one}=true`).join(", ") };
};

export const hostPathVolumes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
  return bad.length === 0 ? undefined : { reason: "hostPath volumes", detail: named("volume", bad) };
};

export const hostPorts: Check = ({ spec }) => {
  const portsOf = ({ ports = [] }: Container): string[] => ports.flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [String(hostPort)]));
  const bad = containersOf(spec).filter((container) => portsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const ports = sortedSet(bad.flatMap(portsOf));
  const words = `${plural("uses", "use", bad.length)} ${plural("hostPort", "hostPorts", ports.length)}`;
  return {
    reason: "hostPort",
    detail: `${named(
      "container",
      bad.map(({ name }) => name),
    )} ${words} ${ports.join(", ")}`,
  };
};

export const hostProbes: Check = ({ spec }) => {
  const host = (handler: Probe | LifecycleHandler | undefined): string[] =>
    [handler?.httpGet?.host, handler?.tcpSocket?.host].filter((one): one is string => one !== undefined && one !== "");
  const hostsOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container): string[] =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(host);
  const bad = containersOf(spec).filter((container) => hostsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const hosts = sortedSet(bad.flatMap(hostsOf));
  const names = sortedSet(bad.map(({ name }) => name));
  const words = `${plural("uses", "use", names.length)} ${plural("probe or lifecycle host", "probe or lifecycle hosts", hosts.length)}`;
  return { reason: "probe or lifecycle host", detail: `${named("container", names)} ${words} ${quoted(hosts)}` };
};

export const privileged: Check = ({ spec }) => {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.privileged === true);
  if (bad.length === 0) return undefined;
  return {
    reason: "privileged",
    detail: `${named(
      "container",
      bad.map(({ name }) => name),
    )} must not set securityContext.privileged=true`,
  };
};

export const procMount: Check = ({ spec }) => {
  const mountOf = ({ securityContext }: Container): string => securityContext?.procMount ?? "Default";
  const bad = containersOf(spec).filter((container) => mountOf(container) !== "Default");
  if (bad.length === 0) return undefined;
  const types = quoted(sortedSet(bad.map(mountOf)));
  return {
    reason: "procMount",
    detail: `${named(
      "container",
      bad.map(({ name }) => name),
    )} must not set securityContext.procMount to ${types}`,
  };
};

/** `types` may be named. */
export function seLinuxOptions(...types: readonly string[]): Check {
  return ({ spec }) => {
    const isBad = (options: SELinuxOptions | undefined): options is SELinuxOptions =>
      options !== undefined && (!["", ...types].includes(options.type ?? "") || !!options.user || !!options.role);
    const own = spec.securityContext?.seLinuxOptions;
    const bad = containersOf(spec).filter(({ securityContext }) => isBad(securityContext?.seLinuxOptions));
    const options = [own, ...bad.map(({ securityContext }) => securityContext?.seLinuxOptions)].filter(isBad);
    if (options.length === 0) return undefined;
    const forbidden = sortedSet(options.map(({ type = "" }) => type).filter((type) => !["", ...types].includes(type)));
    const what = [
      ...(forbidden.length > 0 ? [`${plural("type", "types", forbidden.length)} ${quoted(forbidden)}`] : []),
      ...(options.some(({ user }) => user) ? ["user may not be set"] : []),
      ...(options.some(({ role }) => role) ? ["role may not be set"] : []),
    ];
    const who = setters(
      isBad(own),
      bad.map(({ name }) => name),
    );
    return { reason: "seLinuxOptions", detail: `${who} set forbidden securityContext.seLinuxOptions: ${what.join("; ")}` };
  };
}

/** Before there was a field. */
export const seccompAnnotations: Check = ({ metadata, spec }) => {
  const keys = [SECCOMP_POD, ...containersOf(spec).map(({ name }) => `${SECCOMP_CONTAINER}${name}`)];
  const bad = keys.flatMap((key) => {
    const value = metadata.annotations?.[key];
    const good = value === undefined || value === "runtime/default" || value === "docker/default" || value.startsWith("localhost/");
    return good ? [] : [`${key}=${JSON.stringify(value)}`];
  });
  if (bad.length === 0) return undefined;
  const all = sortedSet(bad);
  return { reason: "seccompProfile", detail: `forbidden ${plural("annotation", "annotations", all.length)} ${all.join(", ")}` };
};

/** Who sets a profile that is none of the good ones. */
export const seccompProfile: Check = ({ spec }): Finding | undefined => {
  const isBad = (type: string | undefined): type is string => type !== undefined && !PROFILES.has(type);
  const own = spec.securityContext?.seccompProfile?.type;
  const bad = containersOf(spec).filter(({ securityContext }) => isBad(securityContext?.seccompProfile?.type));
  const types = [own, ...bad.map(({ securityContext }) => securityContext?.seccompProfile?.type)].filter(isBad);
  if (types.length === 0) return undefined;
  const who = setters(
    isBad(own),
    bad.map(({ name }) => name),
  );
  return { reason: "seccompProfile", detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(sortedSet(types))}` };
};

/** Only these may be set. */
export function sysctls(...allowed: readonly string[]): Check {
  return ({ spec }) => {
    const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.includes(name));
    return bad.length === 0 ? undefined : { reason: "forbidden sysctls", detail: bad.join(", ") };
  };
}

export const windowsHostProcess: Check = ({ spec }) => {
  const own = spec.securityContext?.windowsOptions?.hostProcess === true;
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true);
  if (!own && bad.length === 0) return undefined;
  const who = setters(
    own,
    bad.map(({ name }) => name),
  );
  return { reason: "hostProcess", detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
};
