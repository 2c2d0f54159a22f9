import type { ContainerStatus, Job, Pod, PodFailurePolicyRule } from "../../kinds/generated/types.ts";

/** What the job's policy says of a pod that failed. */
export interface FailureVerdict {
  /** Whether the failure counts towards the limits. */
  readonly counts: boolean;
  /** `FailJob`, `FailIndex`, `Ignore` or `Count`; undefined when no rule speaks of it. */
  readonly action: string | undefined;
  /** Why the whole job fails. Only with FailJob. */
  readonly message?: string;
}

const COUNTS: FailureVerdict = { counts: true, action: undefined };

/** The first rule that matches decides. Source: matchPodFailurePolicy. */
export function failureVerdict(job: Job, pod: Pod): FailureVerdict {
  const { podFailurePolicy } = job.spec;
  if (podFailurePolicy === undefined) return COUNTS;
  for (const [index, rule] of podFailurePolicy.rules.entries()) {
    const why = matching(rule, pod);
    if (why === undefined || (rule.action === "FailIndex" && job.spec.backoffLimitPerIndex === undefined)) continue;
    if (rule.action === "FailJob") return { counts: true, action: rule.action, message: `${why} matching FailJob rule at index ${index}` };
    return { counts: rule.action !== "Ignore", action: rule.action };
  }
  return COUNTS;
}

function matching({ onExitCodes, onPodConditions }: PodFailurePolicyRule, pod: Pod): string | undefined {
  const { name, namespace } = pod.metadata;
  if (onExitCodes !== undefined) {
    const { containerName, operator, values } = onExitCodes;
    const statuses: readonly ContainerStatus[] = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
    const found = statuses.find((status) => {
      const exitCode = status.state?.terminated?.exitCode ?? 0;
      if (exitCode === 0 || (containerName !== undefined && status.name !== containerName)) return false;
      return values.includes(exitCode) === (operator === "In");
    });
    return found && `Container ${found.name} for pod ${namespace}/${name} failed with exit code ${found.state?.terminated?.exitCode}`;
  }
  const found = pod.status?.conditions?.find(({ type, status }) =>
    onPodConditions?.some((pattern) => type === pattern.type && status === pattern.status),
  );
  return found && `Pod ${namespace}/${name} has condition ${found.type}`;
}
