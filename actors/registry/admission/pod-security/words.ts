/** How findings about pods are put into words. Source: k8s.io/pod-security-admission/policy/helpers.go. */
import type { Container, Pod } from "../../../kinds/generated/types.ts";
import type { ObjectMeta } from "../../../kinds/object.ts";

export type PodSpec = Pod["spec"];

/** A pod, or what a template would make. */
export interface PodLike {
  readonly metadata: Pick<ObjectMeta, "annotations">;
  readonly spec: PodSpec;
}

/** What is wrong: in short, and with what exactly. */
export interface Finding {
  readonly reason: string;
  readonly detail: string;
}

export type Check = (pod: PodLike) => Finding | undefined;

/** In the order in which they are looked at. */
export function containersOf({ initContainers = [], containers = [], ephemeralContainers = [] }: PodSpec): readonly Container[] {
  return [...initContainers, ...containers, ...(ephemeralContainers as readonly Container[])];
}

export function quoted(items: readonly string[]): string {
  return items.map((item) => `"${item}"`).join(", ");
}

export function plural(one: string, several: string, count: number): string {
  return count === 1 ? one : several;
}

/** `container "a"`, `containers "a", "b"` */
export function named(what: string, names: readonly string[]): string {
  return `${plural(what, `${what}s`, names.length)} ${quoted(names)}`;
}

/** `pod and containers "a", "b"`: those who say something themselves. */
export function setters(pod: boolean, containers: readonly string[]): string {
  return [...(pod ? ["pod"] : []), ...(containers.length > 0 ? [named("container", containers)] : [])].join(" and ");
}

export function sortedSet(values: Iterable<string>): readonly string[] {
  return [...new Set(values)].sort();
}
