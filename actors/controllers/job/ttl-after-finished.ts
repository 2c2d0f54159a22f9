import { JobKind } from "../../kinds/batch/job.ts";
import type { Job } from "../../kinds/generated/types.ts";
import type { View } from "../../store/view.ts";
import { anyKind, remove } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { finishedAt_ms } from "./job-conditions.ts";

/** Deletes jobs, and their pods with them, some time after they were finished. Source: pkg/controller/ttlafterfinished. */
export const ttlAfterFinishedController: Controller = {
  name: "ttl-after-finished",
  component: "ttl-after-finished-controller",
  kind: anyKind(JobKind),
  watches: [
    { resource: "jobs.batch", keys: ({ now }) => (now?.text.includes('"ttlSecondsAfterFinished"') === true ? [now.key] : NO_KEYS) },
  ],
  reconcile,
};

function reconcile(view: View, key: string, now_ms: number): readonly Action[] {
  const job = view.get<Job>(key);
  const seconds = job?.spec.ttlSecondsAfterFinished;
  if (job === undefined || seconds === undefined || job.metadata.deletionTimestamp !== undefined) return NOTHING;
  const finished_ms = finishedAt_ms(job);
  if (finished_ms === undefined) return NOTHING;
  const left_ms = finished_ms + seconds * 1_000 - now_ms;
  if (left_ms > 0) return [{ do: "requeue", after_ms: left_ms }];
  // Should it have been changed meanwhile, its time is worked out again.
  const { resourceVersion } = job.metadata;
  return [
    remove(JobKind, job, {
      propagationPolicy: "Foreground",
      ...(resourceVersion === undefined ? {} : { preconditions: { resourceVersion } }),
    }),
  ];
}
