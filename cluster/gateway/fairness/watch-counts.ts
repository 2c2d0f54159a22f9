import type { ResourceRequest } from "../route.ts";

/** Pods are looked up by their node: a watch of one node's pods is told of few. */
const NODE_NAME = /(?:^|,)spec\.nodeName==?[^,]/;

/** How many watches there are of what. Source: apiserver's pkg/util/flowcontrol/watch_tracker.go. */
export class WatchCounts {
  readonly #counts = new Map<string, number>();

  /** Counts a watch until what it returns is called. */
  add(info: ResourceRequest): () => void {
    if (info.resource === "pods" && NODE_NAME.test(info.query.get("fieldSelector") ?? "")) return () => {};
    const key = keyOf(info, info.namespace, info.name);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    return () => {
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    };
  }

  /** How many may have to be told of what this request changes. */
  interestedIn(info: ResourceRequest): number {
    if (this.#counts.size === 0) return 0;
    let count = this.#counts.get(keyOf(info, "", "")) ?? 0;
    if (info.namespace !== "") count += this.#counts.get(keyOf(info, info.namespace, "")) ?? 0;
    if (info.name !== "") count += this.#counts.get(keyOf(info, info.namespace, info.name)) ?? 0;
    return count;
  }
}

function keyOf({ group, resource }: ResourceRequest, namespace: string, name: string): string {
  return `${group}/${resource}/${namespace}/${name}`;
}
