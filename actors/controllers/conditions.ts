/** What all conditions have. Deployments', ReplicaSets' and namespaces' are of this shape. */
export interface StatusCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastUpdateTime?: string;
  readonly lastTransitionTime?: string;
}

export function conditionOf<C extends StatusCondition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/**
 * The conditions with this one. It replaces the one of its type only if the status or the reason differ, keeps that one's transition time
 * if the status does not, and goes to the end. Source: SetDeploymentCondition and its sisters.
 */
export function withCondition<C extends StatusCondition>(conditions: readonly C[], condition: C): C[] {
  const current = conditionOf(conditions, condition.type);
  if (current !== undefined && current.status === condition.status && current.reason === condition.reason) return [...conditions];
  const others = withoutCondition(conditions, condition.type);
  if (current?.status !== condition.status || current.lastTransitionTime === undefined) return [...others, condition];
  return [...others, { ...condition, lastTransitionTime: current.lastTransitionTime }];
}

export function withoutCondition<C extends StatusCondition>(conditions: readonly C[], type: string): C[] {
  return conditions.filter((condition) => condition.type !== type);
}
