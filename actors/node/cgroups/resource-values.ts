/**
 * What the kernel is told of requests and limits. Pure. Source: kubelet's cm/helpers_linux.go and qos/policy.go (Kubernetes 1.34), KEP-2254 for the weights of cgroup v2.
 */
import type { QosClass } from "../container-runtime.ts";

/** What a control group may take; undefined: as much as there is. */
export interface GroupLimits {
  /** Its part of the processors where they are wanted by all, beside its siblings'. */
  readonly cpuShares: number;
  /** In each period of CPU_PERIOD_US. */
  readonly cpuQuota_us: number | undefined;
  readonly memory_bytes: number | undefined;
  readonly pids: number | undefined;
}

export const CPU_PERIOD_US = 100_000;
const SHARES_PER_CPU = 1_024;
const SHARES_MIN = 2;
const SHARES_MAX = 262_144;
const QUOTA_MIN_US = 1_000;
const MILLI = 1_000;
const WEIGHT_SPAN = 9_999;
const OOM_SCORE_GUARANTEED = -997;
const OOM_SCORE_MAX = 1_000;
/** Of what is not to be killed in place of a container: Troupe's own in a pod. */
export const OOM_SCORE_OWN = -998;

/** Of a request of cpu in thousandths. */
export function sharesOf(cpu_milli: number): number {
  return Math.min(SHARES_MAX, Math.max(SHARES_MIN, Math.floor((cpu_milli * SHARES_PER_CPU) / MILLI)));
}

/** Of a limit of cpu in thousandths; undefined: it has none. */
export function quotaOf(cpu_milli: number | undefined): number | undefined {
  return cpu_milli === undefined || cpu_milli === 0 ? undefined : Math.max(QUOTA_MIN_US, (cpu_milli * CPU_PERIOD_US) / MILLI);
}

/** The weight of cgroup v2 that stands for shares of v1. */
export function weightOf(shares: number): number {
  return Math.floor(1 + ((shares - SHARES_MIN) * WEIGHT_SPAN) / (SHARES_MAX - SHARES_MIN));
}

/** How willingly the kernel kills it when memory runs out: who asked for much is killed last. */
export function oomScoreOf(qosClass: QosClass, memoryRequest_bytes: number, machine_bytes: number): number {
  if (qosClass === "Guaranteed") return OOM_SCORE_GUARANTEED;
  if (qosClass === "BestEffort") return OOM_SCORE_MAX;
  const score = OOM_SCORE_MAX - Math.floor((OOM_SCORE_MAX * memoryRequest_bytes) / machine_bytes);
  return Math.min(OOM_SCORE_MAX - 1, Math.max(OOM_SCORE_MAX + OOM_SCORE_GUARANTEED, score));
}
