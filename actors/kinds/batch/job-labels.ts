import type { Job } from "../generated/types.ts";

const PREFIX = "batch.kubernetes.io/";
const CONTROLLER_UID = `${PREFIX}controller-uid`;
const JOB_NAME = `${PREFIX}job-name`;
const LEGACY_CONTROLLER_UID = "controller-uid";
const LEGACY_JOB_NAME = "job-name";

/** The labels that tell a job's pods from all others, under their names of before and after 1.27. */
export function jobLabels(job: Job): Readonly<Record<string, string>> {
  const { name, uid } = job.metadata;
  return { [LEGACY_JOB_NAME]: name, [JOB_NAME]: name, [LEGACY_CONTROLLER_UID]: uid, [CONTROLLER_UID]: uid };
}

/**
 * Makes the selector of a job that does not manage it itself. Labels that the client set stay, for validation to refuse. Source:
 * generateSelector of pkg/registry/batch/job.
 */
export function generateSelector(job: Job): void {
  const { spec } = job;
  if (spec.template === undefined || spec.manualSelector === true) return;
  const { metadata } = spec.template;
  spec.template.metadata = { ...metadata, labels: { ...jobLabels(job), ...metadata?.labels } };
  const matchLabels = { [CONTROLLER_UID]: job.metadata.uid, ...spec.selector?.matchLabels };
  spec.selector = { ...spec.selector, matchLabels };
}
