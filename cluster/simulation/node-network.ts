import { serviceUnavailable } from "../../actors/kinds/errors.ts";
import type { Pod, Registry, View } from "../../actors/mod.ts";

const UNREACHABLE = serviceUnavailable("the node cannot reach the API");

/** Which nodes are cut off: nothing of what they or their pods say reaches the API. Containers on them run on. */
export class NodeNetwork {
  readonly #cut = new Set<string>();

  cut(node: string): void {
    this.#cut.add(node);
  }

  mend(node: string): void {
    this.#cut.delete(node);
  }

  isCut(node: string): boolean {
    return this.#cut.has(node);
  }

  /** The registry as agents of nodes and pods reach it. */
  registryOf(registry: Registry, view: View): Registry {
    const isCut = (kind: { readonly kind: string }, namespace: string | undefined, name: string): boolean => {
      if (this.#cut.size === 0) return false;
      if (kind.kind !== "Pod") return this.#cut.has(name);
      return this.#cut.has(view.get<Pod>(`pods/${namespace}/${name}`)?.spec.nodeName ?? "");
    };
    return {
      ...registry,
      create: (kind, object, options) =>
        isCut(kind, object.metadata.namespace, object.metadata.name) ? Promise.reject(UNREACHABLE) : registry.create(kind, object, options),
      modify: (kind, namespace, name, change, options) =>
        isCut(kind, namespace, name) ? Promise.reject(UNREACHABLE) : registry.modify(kind, namespace, name, change, options),
      rewriteTogether: (kind, namespace, names, rewrite, options) =>
        registry.rewriteTogether(
          kind,
          namespace,
          names,
          (text, name) => (isCut(kind, namespace, name) ? undefined : rewrite(text, name)),
          options,
        ),
      delete: (kind, namespace, name, options) =>
        isCut(kind, namespace, name) ? Promise.reject(UNREACHABLE) : registry.delete(kind, namespace, name, options),
    };
  }
}
