import { DeploymentKind } from "../../kinds/apps/deployment.ts";
import type { Deployment, ReplicaSet } from "../../kinds/generated/types.ts";
import { modify, normal, regarding, warning } from "../actions.ts";
import type { Action } from "../controller.ts";
import { annotatedAs, type Revisions, ROLLBACK_TO, revisionOf, sameTemplate, withoutHash } from "./deployment-revisions.ts";

/** Undefined: none is asked for, or what is no number. Source: getRollbackTo. */
export function rollbackAskedFor({ metadata }: Deployment): bigint | undefined {
  const text = metadata.annotations?.[ROLLBACK_TO] ?? "";
  return /^[+-]?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}

/** Brings back the template of a revision with its annotations, or says why not; whichever it is, nothing is asked for any more. Source: rollback.go (Kubernetes 1.34). */
export function bringBack(deployment: Deployment, { all }: Revisions, asked: bigint): readonly Action[] {
  const { name } = deployment.metadata;
  const about = regarding(DeploymentKind, deployment);
  const revision = asked === 0n ? lastRevision(all) : asked;
  const givenUp = (reason: string, message: string): readonly Action[] => [
    { do: "event", note: warning(about, reason, message) },
    modify(DeploymentKind, deployment, asNothingIsAsked),
  ];
  if (revision === 0n) return givenUp("DeploymentRollbackRevisionNotFound", "Unable to find last revision.");
  const set = all.find((each) => revisionOf(each) === revision);
  if (set === undefined) return givenUp("DeploymentRollbackRevisionNotFound", "Unable to find the revision to rollback to.");
  if (sameTemplate(set.spec.template, deployment.spec.template)) {
    const message = `The rollback revision contains the same template as current deployment ${JSON.stringify(name)}`;
    return givenUp("DeploymentRollbackTemplateUnchanged", message);
  }
  const done = normal(about, "DeploymentRollback", `Rolled back deployment ${JSON.stringify(name)} to revision ${revision}`);
  return [modify(DeploymentKind, deployment, (current) => asNothingIsAsked(asIn(set, current)), { done })];
}

/** The second of all. */
function lastRevision(sets: readonly ReplicaSet[]): bigint {
  const [, second = 0n] = sets.map(revisionOf).sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
  return second;
}

function asIn(set: ReplicaSet, current: Deployment): Deployment {
  const { template } = set.spec;
  const metadata = { ...current.metadata, annotations: annotatedAs(current, set) };
  return { ...current, metadata, spec: { ...current.spec, template: { ...template, metadata: withoutHash(template.metadata) } } };
}

function asNothingIsAsked(current: Deployment): Deployment {
  const { [ROLLBACK_TO]: _asked, ...annotations } = current.metadata.annotations ?? {};
  return { ...current, metadata: { ...current.metadata, annotations } };
}
