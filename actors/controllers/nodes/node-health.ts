import { renewTimeOf } from "../../kinds/coordination/lease-text.ts";
import type { Node, NodeCondition } from "../../kinds/generated/types.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { Entry } from "../../store/view.ts";
import { conditionOf } from "../conditions.ts";

/** A node that was not heard of for so long is lost. Source: --node-monitor-grace-period. */
export const NODE_MONITOR_GRACE_MS = 50_000;
/** The same for a node that has never been heard of. Source: --node-startup-grace-period. */
export const NODE_STARTUP_GRACE_MS = 60_000;
/** A controller that has looked at no node for so long was stopped itself: a suspended machine, a paused process. It looks every 5 s. */
const AWAY_MS = 15_000;
/** Why a node that was heard of once is Unknown. */
const LOST_REASON = "NodeStatusUnknown";
/** Conditions that nobody can vouch for when a node is lost. */
const VOUCHED = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/**
 * When each node was last heard of, by this clock: when its heartbeat was seen to change, not what time it names, so that neither a clock that
 * is wrong nor a controller that was away for a while makes healthy nodes look lost. Time in which nobody looked is no silence: the nodes may
 * have been as unable to report as we were to listen. Source: nodeHealthMap.
 */
export class Heartbeats {
  /** `at_ms` on the clock of `#attended`. */
  readonly #heard = new Map<string, Heard>();
  #looked_ms: number | undefined;
  #away_ms = 0;

  /** Milliseconds since the node's heartbeat changed, in itself or in its lease. */
  silence_ms(name: string, node: Node, lease: Entry | undefined, now_ms: number): number {
    const now = this.#attended(now_ms);
    const heard = this.#heard.get(name);
    // Nine looks of ten find what the one before has found, and need not read it.
    if (heard?.node === node && heard.lease === lease) return now - heard.at_ms;
    const beat = beatOf(node, lease);
    const at_ms = heard?.beat === beat ? heard.at_ms : now;
    this.#heard.set(name, { node, lease, beat, at_ms });
    return now - at_ms;
  }

  /** The time, less all that passed while nobody looked. */
  #attended(now_ms: number): number {
    const since_ms = now_ms - (this.#looked_ms ?? now_ms);
    if (since_ms > AWAY_MS) this.#away_ms += since_ms;
    this.#looked_ms = now_ms;
    return now_ms - this.#away_ms;
  }

  forget(name: string): void {
    this.#heard.delete(name);
  }

  /** All nodes are given their time anew. */
  beginAnew(): void {
    this.#heard.clear();
  }
}

interface Heard {
  readonly node: Node;
  readonly lease: Entry | undefined;
  readonly beat: string;
  readonly at_ms: number;
}

function beatOf({ metadata, status }: Node, lease: Entry | undefined): string {
  const ready = conditionOf(status?.conditions, "Ready");
  const renewTime = lease === undefined ? undefined : renewTimeOf(lease.text);
  return `${metadata.uid} ${renewTime ?? ""} ${isUnheard(ready) ? "" : (ready?.lastHeartbeatTime ?? "")}`;
}

/** What we ourselves have said about a silent node is no heartbeat of it. */
function isUnheard(condition: NodeCondition | undefined): boolean {
  return condition?.reason === LOST_REASON || condition?.reason === "NodeStatusNeverUpdated";
}

/** How long this node may be silent. */
export function graceOf(node: Node): number {
  return conditionOf(node.status?.conditions, "Ready") === undefined ? NODE_STARTUP_GRACE_MS : NODE_MONITOR_GRACE_MS;
}

/** The conditions of a node that is lost; undefined when they say so already. Source: tryUpdateNodeHealth. */
export function lostConditions(node: Node, now_ms: number): NodeCondition[] | undefined {
  const now = timestamp(now_ms);
  const conditions = node.status?.conditions ?? [];
  const next = conditions.map((condition) =>
    !VOUCHED.includes(condition.type) || condition.status === "Unknown"
      ? condition
      : {
          ...condition,
          status: "Unknown",
          reason: LOST_REASON,
          message: "Kubelet stopped posting node status.",
          lastTransitionTime: now,
        },
  );
  for (const type of VOUCHED) {
    if (conditionOf(conditions, type) !== undefined) continue;
    next.push({
      type,
      status: "Unknown",
      reason: "NodeStatusNeverUpdated",
      message: "Kubelet never posted node status.",
      lastHeartbeatTime: node.metadata.creationTimestamp,
      lastTransitionTime: now,
    });
  }
  return next.length === conditions.length && next.every((condition, i) => condition === conditions[i]) ? undefined : next;
}
