import { notFound, resourceNotFound } from "../../kinds/errors.ts";
import type { Scale, V2CrossVersionObjectReference } from "../../kinds/generated/types.ts";
import { apiVersionOf, type Kind, keyFor, splitApiVersion } from "../../kinds/kind.ts";
import type { KubeObject } from "../../kinds/object.ts";
import { StatusError } from "../../kinds/status.ts";
import { scaleOf } from "../../registry/scale.ts";
import type { View } from "../../store/view.ts";

/** Something that can be scaled, as the view shows it. */
export interface ScaleTarget {
  readonly kind: Kind;
  readonly object: KubeObject;
  readonly scale: Scale;
}

/** Finds what autoscalers name: objects of any kind with a `scale`, in whatever version of its group it has one. */
export class ScaleTargets {
  /** All versions, by `group/Kind`. */
  readonly #kinds = new Map<string, Kind[]>();

  constructor(kinds: readonly Kind[]) {
    for (const kind of kinds) this.add(kind);
  }

  add(kind: Kind): void {
    const name = `${kind.group}/${kind.kind}`;
    const others = (this.#kinds.get(name) ?? []).filter(({ version }) => version !== kind.version);
    this.#kinds.set(name, [...others, kind]);
  }

  /** Or why there is none, in the words of Kubernetes' clients. */
  find(view: View, namespace: string, reference: V2CrossVersionObjectReference): ScaleTarget | string {
    const [group] = splitApiVersion(reference.apiVersion ?? "");
    const kinds = this.#kinds.get(`${group}/${reference.kind}`);
    if (kinds === undefined) return `no matches for kind ${JSON.stringify(reference.kind)} in group ${JSON.stringify(group)}`;
    const scalable = kinds.filter(({ subresources }) => subresources.some(({ name }) => name === "scale"));
    const [first] = scalable;
    if (first === undefined) return resourceNotFound().message;
    const object = view.get<KubeObject & { readonly apiVersion?: string }>(keyFor(first, namespace, reference.name));
    if (object === undefined) return notFound(first, reference.name).message;
    // What a webhook converts is read in the version in which it is stored.
    const kind = scalable.find((one) => apiVersionOf(one) === object.apiVersion) ?? first;
    try {
      return { kind, object, scale: scaleOf(kind, object) };
    } catch (error) {
      if (error instanceof StatusError) return error.message;
      throw error;
    }
  }
}
