import type { Logger } from "../../runtime/mod.ts";
import { PodKind } from "../kinds/core/pod.ts";
import type { Pod } from "../kinds/generated/types.ts";
import type { Kind } from "../kinds/kind.ts";
import { SCHEDULER } from "../registry/authors.ts";
import type { EventRecorder, Regarding } from "../registry/event-recorder.ts";
import type { PodRecord } from "./pod-record.ts";
import type { SchedulerRegistry, Writes } from "./writes.ts";

export interface EndingOptions {
  readonly registry: SchedulerRegistry;
  readonly recorder: EventRecorder;
  readonly writes: Writes;
  readonly log: Logger;
}

/** Why a pod is ended, in its status, in an Event, and in the log when it could not be. */
export interface EndingReason {
  readonly told: (pod: Pod) => Pod;
  readonly event: readonly [reason: string, message: string];
  readonly failed: string;
}

/**
 * Ends a pod to make room, as gracefully as it asked for: its status says why, then it is deleted. One that could not be ended is no victim any more. `done` is
 * told whether it could.
 */
export function endPod(
  { registry, recorder, writes, log }: EndingOptions,
  victim: PodRecord,
  pod: Pod,
  why: EndingReason,
  done: (isEnding: boolean) => void = () => {},
): void {
  const { namespace = "", name, uid } = pod.metadata;
  const about: Regarding = { kind: "Pod", apiVersion: "v1", metadata: pod.metadata };
  const tell = (current: Pod): Pod | undefined => (current.metadata.uid === uid ? why.told(current) : undefined);
  const status = { author: SCHEDULER, fieldManager: "kube-scheduler", subresource: "status" } as const;
  const [reason, message] = why.event;
  writes.submit(async () => {
    try {
      await registry.modify(PodKind, namespace, name, tell, status);
      await registry.delete(PodKind as unknown as Kind, namespace, name, { author: SCHEDULER, preconditions: { uid } });
      recorder.event(about, "Normal", reason, message);
      done(true);
    } catch (error) {
      victim.isVictim = false;
      done(false);
      log.warn({ pod: victim.key, error: String(error) }, why.failed);
    }
  });
}
