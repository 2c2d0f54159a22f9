import type { Clock, Logger } from "../../runtime/mod.ts";
import { PodKind } from "../kinds/core/pod.ts";
import type { Pod, PodStatus } from "../kinds/generated/types.ts";
import { POD_GROUP_VERSION, type PodGroup } from "../kinds/scheduling/pod-group.ts";
import { SCHEDULER } from "../registry/authors.ts";
import type { EventRecorder, Regarding } from "../registry/event-recorder.ts";
import { timestamp } from "../registry/timestamps.ts";
import type { View } from "../store/view.ts";
import { eventMessage, withUnschedulable } from "./messages.ts";
import type { PodRecord } from "./pod-record.ts";
import type { SchedulerRegistry, Writes } from "./writes.ts";

export interface ReporterOptions {
  readonly view: View;
  readonly registry: SchedulerRegistry;
  readonly recorder: EventRecorder;
  readonly writes: Writes;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Tells the owners of pods why no node took them: an Event each time, the condition when it says something new. */
export class Reporter {
  readonly #options: ReporterOptions;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Not enough members of a group found nodes together for so long. None holds a node meanwhile; what is told is only that. */
  timedOut(group: PodGroup | undefined, timeout_s: number): void {
    if (group === undefined) return;
    const { namespace, name } = group.metadata;
    const about: Regarding = { kind: "PodGroup", apiVersion: `scheduling.x-k8s.io/${POD_GROUP_VERSION}`, metadata: group.metadata };
    const message = `pod group "${namespace}/${name}" was not scheduled within ${timeout_s} seconds: no node is held for it, and it is tried again after a rest`;
    this.#options.recorder.event(about, "Warning", "ScheduleTimeout", message);
  }

  /** `nominated`: the node where room is being made for the pod. */
  unschedulable(record: PodRecord, message: string, nominated: string | undefined): void {
    const { view, registry, recorder, writes, clock, log } = this.#options;
    const { candidate } = record;
    if (candidate === undefined) return;
    const { namespace = "", name, uid, generation } = candidate.about.metadata;
    recorder.event(candidate.about, "Warning", "FailedScheduling", eventMessage(message));
    const now = timestamp(clock.now_ms());
    const statusOf = ({ status = {} }: Pod): PodStatus | undefined => {
      const conditions = withUnschedulable(status.conditions, message, generation, now);
      if (conditions === undefined && status.nominatedNodeName === nominated) return undefined;
      const { nominatedNodeName: _, ...others } = status;
      return {
        ...others,
        ...(conditions === undefined ? {} : { conditions }),
        ...(nominated === undefined ? {} : { nominatedNodeName: nominated }),
      };
    };
    const known = view.get<Pod>(record.key);
    if (known !== undefined && statusOf(known) === undefined) return;
    const modify = (pod: Pod): Pod | undefined => {
      if (pod.metadata.uid !== uid || pod.spec.nodeName) return undefined;
      const status = statusOf(pod);
      return status === undefined ? undefined : { ...pod, status };
    };
    writes.submit(() =>
      registry.modify(PodKind, namespace, name, modify, { author: SCHEDULER, fieldManager: "kube-scheduler", subresource: "status" }).then(
        () => undefined,
        (error: unknown) => log.debug({ pod: record.key, error: String(error) }, "condition not written"),
      ),
    );
  }
}
