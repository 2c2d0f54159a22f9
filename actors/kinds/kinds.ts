/** The explicit list of the built-in kinds, and the table in which all kinds are found; custom resources add rows while it runs. */
import { ControllerRevisionKind } from "./apps/controller-revision.ts";
import { DeploymentKind } from "./apps/deployment.ts";
import { ReplicaSetKind } from "./apps/replica-set.ts";
import { LeaseKind } from "./coordination/lease.ts";
import { ConfigMapKind } from "./core/config-map.ts";
import { EndpointsKind } from "./core/endpoints.ts";
import { EventKind } from "./core/event.ts";
import { NamespaceKind } from "./core/namespace.ts";
import { NodeKind } from "./core/node.ts";
import { PodKind } from "./core/pod.ts";
import { SecretKind } from "./core/secret.ts";
import { ServiceKind } from "./core/service.ts";
import { ServiceAccountKind } from "./core/service-account.ts";
import { EndpointSliceKind } from "./discovery/endpoint-slice.ts";
import type { Kind } from "./kind.ts";
import { resourceOf } from "./kind.ts";
import type { KubeObject } from "./object.ts";
import { PodDisruptionBudgetKind } from "./policy/pod-disruption-budget.ts";
import { PriorityClassKind } from "./scheduling/priority-class.ts";

/** A kind of any object type. The functions of a kind are only ever called with objects of that kind. */
function erase<T extends KubeObject>(kind: Kind<T>): Kind {
  return kind as unknown as Kind;
}

/** All built-in kinds, in the order of discovery. */
export const BUILT_IN_KINDS: readonly Kind[] = [
  erase(ConfigMapKind),
  erase(EndpointsKind),
  erase(EventKind),
  erase(NamespaceKind),
  erase(NodeKind),
  erase(PodKind),
  erase(SecretKind),
  erase(ServiceAccountKind),
  erase(ServiceKind),
  erase(ControllerRevisionKind),
  erase(DeploymentKind),
  erase(ReplicaSetKind),
  erase(PodDisruptionBudgetKind),
  erase(PriorityClassKind),
  erase(LeaseKind),
  erase(EndpointSliceKind),
];

/** The kinds that are served, found by what a request or an object names. */
export class KindTable {
  readonly #byPlural = new Map<string, Kind>();
  readonly #byKind = new Map<string, Kind>();
  readonly #byResource = new Map<string, Kind>();

  constructor(kinds: readonly Kind[] = BUILT_IN_KINDS) {
    for (const kind of kinds) this.add(kind);
  }

  /** Adds a kind, or replaces the one of the same group, version and plural. */
  add(kind: Kind): void {
    this.#byPlural.set(`${kind.group}/${kind.version}/${kind.plural}`, kind);
    this.#byKind.set(`${kind.group}/${kind.version}/${kind.kind}`, kind);
    this.#byResource.set(resourceOf(kind), kind);
  }

  remove(kind: Kind): void {
    this.#byPlural.delete(`${kind.group}/${kind.version}/${kind.plural}`);
    this.#byKind.delete(`${kind.group}/${kind.version}/${kind.kind}`);
    if (this.#byResource.get(resourceOf(kind)) === kind) this.#byResource.delete(resourceOf(kind));
  }

  /** `("apps", "v1", "deployments")`, as in a path. */
  byPlural(group: string, version: string, plural: string): Kind | undefined {
    return this.#byPlural.get(`${group}/${version}/${plural}`);
  }

  /** `("apps", "v1", "Deployment")`, as in an object. */
  byKind(group: string, version: string, kind: string): Kind | undefined {
    return this.#byKind.get(`${group}/${version}/${kind}`);
  }

  /** `("apps/v1", "Deployment")`, as in an owner reference. */
  byApiVersion(apiVersion: string, kind: string): Kind | undefined {
    return this.#byKind.get(apiVersion.includes("/") ? `${apiVersion}/${kind}` : `/${apiVersion}/${kind}`);
  }

  /** The store's name: `deployments.apps`, `pods`. Of several versions the one added last. */
  byResource(resource: string): Kind | undefined {
    return this.#byResource.get(resource);
  }

  all(): readonly Kind[] {
    return [...this.#byPlural.values()];
  }
}
