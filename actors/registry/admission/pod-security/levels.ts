/** The levels, by version: what each checks. And what the labels of a namespace ask for. Source: k8s.io/pod-security-admission/policy/registry.go and api/helpers.go. */
import { invalid } from "../../../kinds/field-error.ts";
import type { FieldError } from "../../../kinds/status.ts";
import * as baseline from "./baseline.ts";
import * as restricted from "./restricted.ts";
import type { Check, Finding, PodLike } from "./words.ts";

export type Level = "privileged" | "baseline" | "restricted";

const LEVELS: readonly Level[] = ["privileged", "baseline", "restricted"];

export interface LevelVersion {
  readonly level: Level;
  /** The minor version of Kubernetes whose rules hold. */
  readonly version: number | "latest";
}

export interface Policy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

/** The newest rules that there are. */
const NEWEST = 34;

interface Rule {
  readonly level: "baseline" | "restricted";
  /** From which version on which check holds, oldest first. */
  readonly since: readonly (readonly [minor: number, check: Check])[];
  /** The check of `baseline` whose place a check of `restricted` takes. */
  readonly instead?: string;
}

const SYSCTLS_0 = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
];
const SYSCTLS_27 = [...SYSCTLS_0, "net.ipv4.ip_local_reserved_ports"];
const SYSCTLS_29 = [
  ...SYSCTLS_27,
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
];
const SYSCTLS_32 = [...SYSCTLS_29, "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"];
const SELINUX = ["container_t", "container_init_t", "container_kvm_t"];

/** In the order in which findings are said: those of `baseline` before those of `restricted`, each by name. */
const RULES: Readonly<Record<string, Rule>> = {
  appArmorProfile: { level: "baseline", since: [[0, baseline.appArmorProfile]] },
  capabilities_baseline: { level: "baseline", since: [[0, baseline.baselineCapabilities]] },
  hostNamespaces: { level: "baseline", since: [[0, baseline.hostNamespaces]] },
  hostPathVolumes: { level: "baseline", since: [[0, baseline.hostPathVolumes]] },
  hostPorts: { level: "baseline", since: [[0, baseline.hostPorts]] },
  hostProbesAndhostLifecycle: { level: "baseline", since: [[34, baseline.hostProbes]] },
  privileged: { level: "baseline", since: [[0, baseline.privileged]] },
  procMount: { level: "baseline", since: [[0, baseline.procMount]] },
  seLinuxOptions: {
    level: "baseline",
    since: [
      [0, baseline.seLinuxOptions(...SELINUX)],
      [31, baseline.seLinuxOptions(...SELINUX, "container_engine_t")],
    ],
  },
  seccompProfile_baseline: {
    level: "baseline",
    since: [
      [0, baseline.seccompAnnotations],
      [19, baseline.seccompProfile],
    ],
  },
  sysctls: {
    level: "baseline",
    since: [
      [0, baseline.sysctls(...SYSCTLS_0)],
      [27, baseline.sysctls(...SYSCTLS_27)],
      [29, baseline.sysctls(...SYSCTLS_29)],
      [32, baseline.sysctls(...SYSCTLS_32)],
    ],
  },
  windowsHostProcess: { level: "baseline", since: [[0, baseline.windowsHostProcess]] },
  allowPrivilegeEscalation: {
    level: "restricted",
    since: [
      [8, restricted.allowPrivilegeEscalation],
      [25, restricted.unlessWindows(restricted.allowPrivilegeEscalation)],
    ],
  },
  capabilities_restricted: {
    level: "restricted",
    instead: "capabilities_baseline",
    since: [
      [22, restricted.restrictedCapabilities],
      [25, restricted.unlessWindows(restricted.restrictedCapabilities)],
    ],
  },
  restrictedVolumes: { level: "restricted", instead: "hostPathVolumes", since: [[0, restricted.restrictedVolumes]] },
  runAsNonRoot: { level: "restricted", since: [[0, restricted.runAsNonRoot]] },
  runAsUser: { level: "restricted", since: [[23, restricted.runAsUser]] },
  seccompProfile_restricted: {
    level: "restricted",
    instead: "seccompProfile_baseline",
    since: [
      [19, restricted.restrictedSeccompProfile],
      [25, restricted.unlessWindows(restricted.restrictedSeccompProfile)],
    ],
  },
};

const checks = new Map<string, readonly Check[]>();

function checksOf({ level, version }: LevelVersion): readonly Check[] {
  const minor = version === "latest" ? NEWEST : Math.min(version, NEWEST);
  const key = `${level} ${minor}`;
  const known = checks.get(key);
  if (known !== undefined) return known;
  const held = Object.entries(RULES).flatMap(([id, rule]) => {
    const check = rule.since.findLast(([since]) => since <= minor)?.[1];
    return check === undefined || (level === "baseline" && rule.level === "restricted") ? [] : [{ id, rule, check }];
  });
  const replaced = new Set(held.map(({ rule }) => rule.instead));
  const made = held.filter(({ id }) => !replaced.has(id)).map(({ check }) => check);
  checks.set(key, made);
  return made;
}

/** What a pod does that the level forbids. */
export function findings(levelVersion: LevelVersion, pod: PodLike): readonly Finding[] {
  if (levelVersion.level === "privileged") return [];
  return checksOf(levelVersion).flatMap((check) => check(pod) ?? []);
}

export function reasons(found: readonly Finding[]): string {
  return found.map(({ reason }) => reason).join(", ");
}

export function details(found: readonly Finding[]): string {
  return found.map(({ reason, detail }) => (detail === "" ? reason : `${reason} (${detail})`)).join(", ");
}

/** `restricted:latest`, `baseline:v1.30` */
export function printed({ level, version }: LevelVersion): string {
  return `${level}:${version === "latest" ? version : `v1.${version}`}`;
}

/** Positive when `a` forbids more. */
export function compareLevels(a: Level, b: Level): number {
  return LEVELS.indexOf(a) - LEVELS.indexOf(b);
}

export function isPrivileged({ enforce, audit, warn }: Policy): boolean {
  return enforce.level === "privileged" && audit.level === "privileged" && warn.level === "privileged";
}

const PREFIX = "pod-security.kubernetes.io/";
const VERSION = /^v1\.(0|[1-9]\d*)$/;
const OPEN: LevelVersion = { level: "privileged", version: "latest" };

export interface Asked {
  readonly policy: Policy;
  /** Labels that say nothing sensible; what they meant is taken for the strictest to enforce, and for nothing to warn of. */
  readonly errors: readonly FieldError[];
}

const NOTHING_ASKED: Asked = { policy: { enforce: OPEN, audit: OPEN, warn: OPEN }, errors: [] };

/** What the labels of a namespace ask for. */
export function askedBy(labels: Readonly<Record<string, string>> | undefined): Asked {
  if (labels === undefined || !Object.keys(labels).some((label) => label.startsWith(PREFIX))) return NOTHING_ASKED;
  const errors: FieldError[] = [];
  const wrong = (label: string, words: string): void => {
    errors.push(invalid(`metadata.labels[${label}]`, labels[label], words));
  };
  const levelOf = (mode: keyof Policy, fallback: Level): Level | undefined => {
    const label = `${PREFIX}${mode}`;
    const given = labels[label];
    const level = LEVELS.find((one) => one === given);
    if (given === undefined || level !== undefined) return level;
    wrong(label, `must be one of ${LEVELS.join(", ")}`);
    return fallback;
  };
  const versionOf = (mode: keyof Policy): LevelVersion["version"] | undefined => {
    const label = `${PREFIX}${mode}-version`;
    const given = labels[label];
    if (given === undefined || given === "latest") return given;
    const minor = VERSION.exec(given)?.[1];
    if (minor === undefined) wrong(label, 'must be "latest" or "v1.x"');
    return minor === undefined ? "latest" : Number(minor);
  };
  const enforceLevel = levelOf("enforce", "restricted");
  const enforceIsWrong = errors.length > 0;
  const enforce: LevelVersion = { level: enforceLevel ?? "privileged", version: versionOf("enforce") ?? "latest" };
  const audit: LevelVersion = { level: levelOf("audit", "privileged") ?? "privileged", version: versionOf("audit") ?? "latest" };
  const warnLevel = levelOf("warn", "privileged");
  const warnVersion = versionOf("warn");
  // Who is to be held to a level is told of it, unless something else is said.
  const follows = warnLevel === undefined && enforceLevel !== undefined && !enforceIsWrong && enforce.level !== "privileged";
  const warn: LevelVersion = follows
    ? { level: enforce.level, version: warnVersion ?? enforce.version }
    : { level: warnLevel ?? "privileged", version: warnVersion ?? "latest" };
  return { policy: { enforce, audit, warn }, errors };
}
