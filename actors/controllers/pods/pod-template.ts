import type { Pod, PodTemplateSpec } from "../../kinds/generated/types.ts";
import type { OwnerReference } from "../../kinds/object.ts";
import { newMeta } from "../actions.ts";

/** What a name may have, so that a generated one fits a label. */
const NAME_CHARACTERS_MAX = 253;

/** Makes pods of one template. The template is printed once; each pod is a private copy by one parse, the cheapest deep copy there is. */
export class PodMaker {
  readonly #text: string;

  constructor(template: PodTemplateSpec, namespace: string, owner: OwnerReference) {
    const { labels, annotations, finalizers } = template.metadata ?? {};
    const prefix = `${owner.name}-`;
    this.#text = JSON.stringify({
      metadata: newMeta({
        generateName: prefix.length <= NAME_CHARACTERS_MAX ? prefix : owner.name,
        namespace,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
        ...(finalizers === undefined || finalizers.length === 0 ? {} : { finalizers }),
        ownerReferences: [owner],
      }),
      spec: template.spec,
    });
  }

  /** A pod to be created; the registry finishes its name. */
  make(): Pod {
    return JSON.parse(this.#text) as Pod;
  }
}
