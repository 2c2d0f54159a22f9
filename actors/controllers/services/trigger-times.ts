import type { Service } from "../../kinds/generated/types.ts";
import { timestamp } from "../../registry/timestamps.ts";
import type { PodFacts } from "../pods/pod-facts.ts";

export const TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time";

interface Seen {
  readonly service_ms: number;
  /** By the name of the pod. */
  readonly pods: ReadonlyMap<string, number>;
}

/**
 * When what makes the endpoints of a service change has happened: the earliest time among the service and its pods that was not there when they were looked at
 * last, whether or not that came to a write. So endpoints that change for another reason, such as a pod that goes, have no such time, nor have
 * those that only come back. Source: TriggerTimeTracker of k8s.io/endpointslice/util.
 */
export class TriggerTimes {
  readonly #seen = new Map<string, Seen>();

  /** Undefined: nothing of what is new has a time. */
  of(key: string, service: Service, pods: readonly PodFacts[]): number | undefined {
    const last = this.#seen.get(key);
    const service_ms = Date.parse(service.metadata.creationTimestamp);
    const times = new Map(pods.filter(({ readySince_ms }) => readySince_ms > 0).map(({ name, readySince_ms }) => [name, readySince_ms]));
    this.#seen.set(key, { service_ms, pods: times });
    if (last === undefined) return service_ms;
    let earliest = service_ms > last.service_ms ? service_ms : Number.POSITIVE_INFINITY;
    for (const [name, since_ms] of times) if (since_ms > (last.pods.get(name) ?? 0)) earliest = Math.min(earliest, since_ms);
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest;
  }

  /** The service is gone. */
  forget(key: string): void {
    this.#seen.delete(key);
  }
}

/** These annotations with that time, where it is known. */
export function triggeredAt(trigger_ms: number | undefined, annotations: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { [TRIGGER_TIME]: _time, ...others } = annotations;
  return trigger_ms === undefined ? others : { ...others, [TRIGGER_TIME]: timestamp(trigger_ms) };
}
