import { templateWarnings } from "../core/pod-warnings.ts";
import type { JobSpec } from "../generated/types.ts";

const COMPLETIONS_SAFE = 100_000;
const PARALLELISM_SAFE = 10_000;

/** Source: WarningsForJobSpec of pkg/api/job. */
export function jobWarnings({ completionMode, completions = 0, parallelism = 0, template }: JobSpec, field: string): string[] {
  const many = completionMode === "Indexed" && completions > COMPLETIONS_SAFE && parallelism > PARALLELISM_SAFE;
  const words =
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail";
  return [...(many ? [`${field}: ${words}`] : []), ...templateWarnings(template, `${field}.template`)];
}
