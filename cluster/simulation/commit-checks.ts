import type {
  DaemonSet,
  Job,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  ReplicaSet,
  ResourceQuota,
  StatefulSet,
} from "../../actors/kinds/generated/types.ts";
import type { Node, Pod } from "../../actors/mod.ts";
import { latestWall_ms } from "../../runtime/simulator/mod.ts";
import {
  type Commit,
  controllerOf,
  isActive,
  isOver,
  isReady,
  keyOfObject,
  type Ledger,
  milliOf,
  nodesOfVolumes,
  pinnedTo,
  requestsOf,
} from "./ledger.ts";
import { OutageChecks } from "./outage-checks.ts";

/**
 * What was wanted, or was lost, so long ago may be unknown to whoever acts: a host that was cut off or paused may act on what it saw until its lease
 * ends, and the one that follows it begins with what it has seen.
 */
const UNKNOWN_MS = 60_000;
/** What should be gone is given so long: grace periods, hosts that come and go, and retries with growing pauses. */
const GONE_WITHIN_MS = 15 * 60_000;
const LOOK_EVERY_MS = 60_000;
const MS_PER_S = 1_000;
const INDEX = "batch.kubernetes.io/job-completion-index";
/** The name of a claim that a StatefulSet made: its template, the set and the ordinal. */
const OF_SET = /^data-(.+)-(\d+)$/;

/** A sentence that says what is wrong, and with which objects. */
export type Finding = string | undefined;

/** Holds every commit to what must be true at every moment. */
export class CommitChecks {
  readonly #ledger: Ledger;
  readonly #isCut: (node: string) => boolean;
  readonly #wanted = new Map<string, { readonly at_ms: number; readonly count: number }[]>();
  readonly #addresses = new Map<string, string>();
  /** Pods that stopped being healthy, evictions apart. */
  readonly #lost = new Map<string, number>();
  readonly #strays = new Map<string, number>();
  readonly #outages = new OutageChecks();
  #looked_ms = 0;

  /** `isCut` says of which nodes nothing can be expected now. */
  constructor(ledger: Ledger, isCut: (node: string) => boolean) {
    this.#ledger = ledger;
    this.#isCut = isCut;
  }

  check(commit: Commit): Finding {
    const resource = commit.key.slice(0, commit.key.indexOf("/"));
    const finding = this.#checkOne(resource, commit);
    if (finding !== undefined || commit.at_ms - this.#looked_ms < LOOK_EVERY_MS) return finding;
    this.#looked_ms = commit.at_ms;
    return this.#strayPods(commit.at_ms);
  }

  #checkOne(resource: string, commit: Commit): Finding {
    switch (resource) {
      case "pods":
        return this.#pod(commit as Commit<Pod>);
      case "replicasets.apps":
        return this.#wants(commit, (commit.now as ReplicaSet | undefined)?.spec?.replicas);
      case "jobs.batch":
        return this.#wants(commit, (commit.now as Job | undefined)?.spec?.parallelism) ?? this.#job(commit as Commit<Job>);
      case "statefulsets.apps":
        return this.#wants(commit, (commit.now as StatefulSet | undefined)?.spec?.replicas, GONE_WITHIN_MS);
      case "nodes":
        return this.#outages.check(commit as Commit<Node>);
      case "persistentvolumeclaims":
        return this.#keptClaim(commit as Commit<PersistentVolumeClaim>) ?? this.#claim(commit as Commit<PersistentVolumeClaim>);
      case "poddisruptionbudgets.policy":
        return this.#budget(commit as Commit<PodDisruptionBudget>);
      default:
        return undefined;
    }
  }

  #pod(commit: Commit<Pod>): Finding {
    const { key, before, now, at_ms } = commit;
    if (before !== undefined && isReady(before) && isActive(before) && (now === undefined || !isReady(now) || !isActive(now))) {
      this.#lost.set(key, at_ms);
    }
    if (now === undefined) return undefined;
    return (
      (before === undefined ? (this.#tooMany(commit) ?? this.#quota(now, at_ms)) : this.#samePod(key, before, now)) ??
      (before?.spec.nodeName === undefined && now.spec.nodeName !== undefined ? this.#room(now.spec.nodeName, key, now) : undefined) ??
      this.#address(key, now)
    );
  }

  #samePod(key: string, before: Pod, now: Pod): Finding {
    if (before.spec.nodeName !== undefined && before.spec.nodeName !== now.spec.nodeName)
      return `${key} moved from ${before.spec.nodeName} to ${now.spec.nodeName}`;
    const [was, is] = [before.status?.phase, now.status?.phase];
    if ((isOver(before) && is !== was) || (was === "Running" && is === "Pending")) return `${key} was ${was} and is ${is} again`;
    const address = before.status?.podIP;
    if (address !== undefined && now.status?.podIP !== address) return `${key} had the address ${address} and has ${now.status?.podIP}`;
    return undefined;
  }

  /** What a controller makes is never more than was wanted. */
  #tooMany({ key, now, at_ms }: Commit<Pod>): Finding {
    const owner = now === undefined ? undefined : controllerOf(now);
    if (now === undefined || owner === undefined) return undefined;
    const active = this.#ledger.podsOf(owner.uid).filter(isActive);
    if (owner.kind === "ReplicaSet" || owner.kind === "Job") {
      const resource = owner.kind === "Job" ? "jobs.batch" : "replicasets.apps";
      const of = keyOfObject(resource, { namespace: now.metadata.namespace ?? "", name: owner.name });
      const most = this.#mostWanted(of, at_ms);
      if (active.length > most) return `${key} is one of ${active.length} active pods of ${of}, which wants ${most}`;
    }
    const index = now.metadata.annotations?.[INDEX];
    const same = index === undefined ? undefined : active.find((pod) => pod !== now && pod.metadata.annotations?.[INDEX] === index);
    if (same !== undefined) return `${key} and pods/${same.metadata.namespace}/${same.metadata.name} are both for index ${index}`;
    if (owner.kind === "DaemonSet") {
      const node = pinnedTo(now);
      const twin = active.find((pod) => pod.metadata.uid !== now.metadata.uid && pinnedTo(pod) === node);
      if (twin !== undefined && !this.#surges(now, owner.name))
        return `${key} and pods/${twin.metadata.namespace}/${twin.metadata.name} are both for node ${node}`;
    }
    return undefined;
  }

  /** A claim keeps the volume that it has, and has it alone. */
  #claim({ key, before, now }: Commit<PersistentVolumeClaim>): Finding {
    const [had, has] = [before?.spec.volumeName, now?.spec.volumeName];
    if (now === undefined || has === undefined || has === "") return undefined;
    if (had !== undefined && had !== "" && had !== has) return `${key} had the volume ${had} and has ${has}`;
    const other = this.#ledger
      .all<PersistentVolumeClaim>("persistentvolumeclaims")
      .find(({ metadata, spec }) => spec.volumeName === has && metadata.uid !== now.metadata.uid);
    return other === undefined ? undefined : `${key} and ${other.metadata.namespace}/${other.metadata.name} both have the volume ${has}`;
  }

  #surges({ metadata }: Pod, name: string): boolean {
    const set = this.#ledger.get<DaemonSet>(`daemonsets.apps/${metadata.namespace}/${name}`);
    const surge = set?.spec?.updateStrategy?.rollingUpdate?.maxSurge ?? 0;
    return surge !== 0 && surge !== "0%";
  }

  /** Nobody deletes a claim that was made to stay, nor one of a pod that a StatefulSet has wanted all the time. */
  #keptClaim({ key, before, now, at_ms }: Commit<PersistentVolumeClaim>): Finding {
    const isGoing = (claim: PersistentVolumeClaim | undefined): boolean => claim?.metadata.deletionTimestamp !== undefined;
    if (before === undefined || isGoing(before) || !(now === undefined || isGoing(now))) return undefined;
    const { namespace, name, ownerReferences = [] } = before.metadata;
    const home = this.#ledger.get(`namespaces/${namespace}`);
    if (home === undefined || home.metadata.deletionTimestamp !== undefined) return undefined;
    if (ownerReferences.length === 0) return `${key} was made to stay, and is deleted`;
    const [, set, ordinal] = OF_SET.exec(name) ?? [];
    const of = `statefulsets.apps/${namespace}/${set}`;
    const owner = this.#ledger.get<StatefulSet>(of);
    // A set that is deleted takes its claims along.
    if (owner === undefined || owner.metadata.deletionTimestamp !== undefined) return undefined;
    const past = this.#wanted.get(of) ?? [];
    const isKnown = (past[0]?.at_ms ?? at_ms) <= at_ms - GONE_WITHIN_MS;
    const least = Math.min(...past.map(({ count }) => count));
    return isKnown && Number(ordinal) < least ? `${key} is deleted, and ${of} has wanted ${least} all the time` : undefined;
  }

  #wants({ key, at_ms, now }: Commit, count: number | undefined, kept_ms = UNKNOWN_MS): undefined {
    if (now === undefined) {
      this.#wanted.delete(key);
      return undefined;
    }
    const past = this.#wanted.get(key) ?? [];
    this.#wanted.set(key, past);
    if (past.at(-1)?.count !== (count ?? 1)) past.push({ at_ms, count: count ?? 1 });
    while (past.length > 1 && (past[1]?.at_ms ?? at_ms) < at_ms - kept_ms) past.shift();
    return undefined;
  }

  #mostWanted(key: string, at_ms: number): number {
    const past = this.#wanted.get(key) ?? [];
    // Until the next began, each was what was wanted.
    return Math.max(0, ...past.filter((_, index) => (past[index + 1]?.at_ms ?? at_ms) >= at_ms - UNKNOWN_MS).map(({ count }) => count));
  }

  #job({ key, now }: Commit<Job>): Finding {
    if (now?.spec?.completions === undefined) return undefined;
    const succeeded = now.status?.succeeded ?? 0;
    return succeeded > now.spec.completions ? `${key} counts ${succeeded} successes of ${now.spec.completions}` : undefined;
  }

  #room(name: string, key: string, pod: Pod): Finding {
    const node = this.#ledger.get<Node>(`nodes/${name}`);
    // A node may be removed while pods are on their way to it.
    if (node === undefined) return undefined;
    const where = nodesOfVolumes(this.#ledger, pod);
    if (where?.includes(name) === false) return `${key} is bound to nodes/${name}, and its volumes are on ${where.join(", ") || "none"}`;
    const others = this.#ledger.podsOn(name).filter((one) => !isOver(one));
    const sums = new Map<string, number>();
    for (const one of others) for (const [resource, milli] of requestsOf(one)) sums.set(resource, (sums.get(resource) ?? 0) + milli);
    for (const [resource, milli] of sums) {
      const offered = node.status?.allocatable?.[resource];
      const most = offered === undefined ? 0 : milliOf(resource, offered);
      if (milli > most && requestsOf(pod).has(resource))
        return `${key} is bound to nodes/${name}, whose pods ask for ${milli / 1_000} ${resource} of ${most / 1_000}`;
    }
    const ports = hostPortsOf(pod);
    const rival = others.find((one) => one.metadata.uid !== pod.metadata.uid && hostPortsOf(one).some((port) => ports.includes(port)));
    if (rival !== undefined)
      return `${key} and pods/${rival.metadata.namespace}/${rival.metadata.name} want the same port of nodes/${name}`;
    return undefined;
  }

  #address(key: string, now: Pod): Finding {
    const address = now.status?.podIP;
    if (address === undefined || now.spec.hostNetwork === true || isOver(now)) return undefined;
    const holder = this.#addresses.get(address);
    this.#addresses.set(address, key);
    if (holder === undefined || holder === key) return undefined;
    const other = this.#ledger.get<Pod>(holder);
    const shares = other?.status?.podIP === address && !isOver(other) && other.spec.nodeName === now.spec.nodeName;
    return shares ? `${key} has the address ${address}, which ${holder} has too` : undefined;
  }

  #quota(pod: Pod, at_ms: number): Finding {
    const { namespace } = pod.metadata;
    for (const quota of this.#ledger.all<ResourceQuota>("resourcequotas")) {
      const hard = quota.spec?.hard?.pods;
      if (quota.metadata.namespace !== namespace || hard === undefined) continue;
      const used = this.#ledger.podsLike(namespace, {}).filter((one) => !isOver(one) && !isOverdue(one, at_ms)).length;
      if (used > Number(hard)) return `pods/${namespace}/${pod.metadata.name} is one of ${used}, and the quota is ${hard}`;
    }
    return undefined;
  }

  /** An eviction leaves as many healthy as the budget wants. */
  #budget({ key, before, now, at_ms }: Commit<PodDisruptionBudget>): Finding {
    const spent = Object.keys(now?.status?.disruptedPods ?? {}).filter((name) => before?.status?.disruptedPods?.[name] === undefined);
    if (now === undefined || spent.length === 0) return undefined;
    const { namespace } = now.metadata;
    for (const name of spent) this.#lost.delete(`pods/${namespace}/${name}`);
    const disrupted = now.status?.disruptedPods ?? {};
    const pods = this.#ledger.podsLike(namespace, now.spec.selector);
    const healthy = pods.filter((pod) => isReady(pod) && isActive(pod) && disrupted[pod.metadata.name] === undefined).length;
    const { minAvailable } = now.spec;
    const desired = typeof minAvailable === "number" ? minAvailable : (now.status?.desiredHealthy ?? 0);
    // Pods that were lost otherwise a moment ago may not be known yet to who counts them.
    const unknown = [...this.#lost].filter(([pod, lost_ms]) => pod.startsWith(`pods/${namespace}/`) && at_ms - lost_ms < UNKNOWN_MS).length;
    for (const [pod, lost_ms] of this.#lost) if (at_ms - lost_ms >= UNKNOWN_MS) this.#lost.delete(pod);
    return healthy + unknown < desired
      ? `the eviction of ${spent.join(", ")} leaves ${healthy} healthy pods to ${key}, which wants ${desired}`
      : undefined;
  }

  /** Pods whose owner or node is gone do not stay. */
  #strayPods(at_ms: number): Finding {
    const strays = new Set<string>();
    for (const pod of this.#ledger.all<Pod>("pods")) {
      const owner = controllerOf(pod);
      const { nodeName } = pod.spec;
      const isOrphan = owner !== undefined && !this.#ledger.hasUid(owner.uid) && pod.metadata.deletionTimestamp === undefined;
      const isLost = nodeName !== undefined && this.#ledger.get(`nodes/${nodeName}`) === undefined;
      const isLate = pod.metadata.deletionTimestamp !== undefined && !(nodeName !== undefined && this.#isCut(nodeName));
      if (!isOrphan && !isLost && !isLate) continue;
      const key = keyOfObject("pods", { namespace: pod.metadata.namespace ?? "", name: pod.metadata.name });
      strays.add(key);
      const since_ms = this.#strays.get(key) ?? at_ms;
      this.#strays.set(key, since_ms);
      if (at_ms - since_ms < GONE_WITHIN_MS) continue;
      if (isOrphan) return `${key} is still there, and its owner ${owner.kind}/${owner.name} has gone`;
      return isLost ? `${key} is still there, and nodes/${nodeName} has gone` : `${key} was to go long ago`;
    }
    for (const key of this.#strays.keys()) if (!strays.has(key)) this.#strays.delete(key);
    return undefined;
  }
}

/** By somebody's clock it had twice its time to go and has not: a quota does not count it any more. Source: QuotaV1Pod of pkg/quota/v1. */
function isOverdue({ metadata: { deletionTimestamp, deletionGracePeriodSeconds } }: Pod, at_ms: number): boolean {
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * MS_PER_S < latestWall_ms(at_ms);
}

function hostPortsOf({ spec }: Pod): readonly string[] {
  return spec.containers.flatMap(({ ports }) =>
    (ports ?? []).flatMap(({ hostPort, protocol }) => (hostPort ? [`${protocol ?? "TCP"}/${hostPort}`] : [])),
  );
}
