/** What the statuses of workloads must add up to. Source: ValidateDeploymentStatus and its like of pkg/apis/apps/validation. */
import { invalid } from "../field-error.ts";
import { nonNegative } from "../field-rules.ts";
import type { FieldError } from "../status.ts";

interface Relations<Name> {
  /** Those that are parts of `replicas`. */
  readonly whole: readonly Name[];
  /** How `readyReplicas` is called where more are available than are ready. */
  readonly ready?: string;
}

/** Counts are not negative, and no part is more than the whole. */
export function validateReplicaCounts<Name extends string>(
  status: Partial<Record<Name | "replicas" | "readyReplicas" | "availableReplicas", number>> | undefined,
  names: readonly Name[],
  { whole, ready = "readyReplicas" }: Relations<Name>,
): FieldError[] {
  if (status === undefined) return [];
  const count = (name: Name | "replicas" | "readyReplicas" | "availableReplicas"): number => status[name] ?? 0;
  const errors = names.flatMap((name) => nonNegative(status[name], `status.${name}`));
  for (const name of whole) {
    if (count(name) > count("replicas")) errors.push(invalid(`status.${name}`, count(name), "cannot be greater than status.replicas"));
  }
  if (count("availableReplicas") > count("readyReplicas")) {
    errors.push(invalid("status.availableReplicas", count("availableReplicas"), `cannot be greater than ${ready}`));
  }
  return errors;
}

interface Counted {
  readonly collisionCount?: number;
}

/** Names that were taken already stay counted. */
export function validateCollisions(next: Counted | undefined, current: Counted | undefined): FieldError[] {
  const [now, before] = [next?.collisionCount, current?.collisionCount];
  if (before === undefined || (now !== undefined && now >= before)) return [];
  return [invalid("status.collisionCount", now ?? 0, "cannot be decremented")];
}

/** A status without what DeploymentReplicaSetTerminatingReplicas, which is alpha in 1.34, would tell. */
export function withoutTerminating<T extends { terminatingReplicas?: number }>(status: T): T {
  const { terminatingReplicas: _gated, ...rest } = status;
  return rest as T;
}
