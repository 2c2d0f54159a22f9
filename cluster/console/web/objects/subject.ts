import type { KubeObject } from "../api.ts";
import type { ViewContext } from "../view.ts";
import type { ResourceType } from "./resource-types.ts";

/** An object that is looked at, as it is now. */
export interface Subject {
  readonly type: ResourceType;
  readonly object: AnyObject;
}

/** What is given to a part of an object's view. */
export interface Panel {
  readonly context: ViewContext;
  readonly root: HTMLElement;
  /** Aborts when another part is opened. */
  readonly signal: AbortSignal;
  readonly type: ResourceType;
  /** As it is now. */
  readonly object: () => AnyObject;
  /** Calls back when it has changed. */
  readonly changed: (act: () => void) => void;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** An object of any kind. What a view reads of spec and status it says itself, by a type of its own. */
export interface AnyObject extends KubeObject {
  readonly metadata: KubeObject["metadata"] & {
    readonly generation?: number;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly Owner[];
    readonly managedFields?: readonly ManagedFields[];
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>> & { readonly conditions?: readonly Condition[] };
}

export interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly time?: string;
  readonly subresource?: string;
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[];
  readonly resources?: { readonly requests?: Quantities; readonly limits?: Quantities };
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
    readonly subPath?: string;
  }[];
  readonly tty?: boolean;
}

export type Quantities = Readonly<Record<string, string>>;

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: {
    readonly reason?: string;
    readonly message?: string;
    readonly exitCode: number;
    readonly startedAt?: string;
    readonly finishedAt?: string;
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly containerID?: string;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly serviceAccountName?: string;
  readonly restartPolicy?: string;
  readonly priorityClassName?: string;
  readonly schedulerName?: string;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
  readonly volumes?: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[];
}

export interface PodObject extends AnyObject {
  readonly spec: PodSpec & Readonly<Record<string, unknown>>;
  readonly status: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly hostIP?: string;
    readonly qosClass?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly ephemeralContainerStatuses?: readonly ContainerStatus[];
  };
}

/** What has pods of its own: Deployments, StatefulSets, DaemonSets, ReplicaSets, Jobs. */
export interface Workload extends AnyObject {
  readonly spec: Readonly<Record<string, unknown>> & {
    readonly replicas?: number;
    readonly paused?: boolean;
    readonly suspend?: boolean;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>>; readonly matchExpressions?: readonly Expression[] };
    readonly template?: { readonly metadata?: { readonly labels?: Readonly<Record<string, string>> }; readonly spec: PodSpec };
  };
}

export interface Expression {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

/** A label selector as a query has it; undefined: it selects nothing. */
export function selectorText(selector: Workload["spec"]["selector"]): string | undefined {
  if (selector === undefined) return undefined;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const terms = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of matchExpressions) {
    if (operator === "Exists") terms.push(key);
    else if (operator === "DoesNotExist") terms.push(`!${key}`);
    else terms.push(`${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`);
  }
  return terms.join(",");
}

/** Whether a pod's containers have states and no processes. */
export function isHollow({ status }: PodObject): boolean {
  return status.containerStatuses?.some(({ containerID }) => containerID?.startsWith("hollow://")) === true;
}
