/** The webhooks that are configured, in the order in which they are asked: by the names of their configurations, then as they stand there. */
import type { MutatingWebhook, ValidatingWebhook } from "../../../kinds/generated/types.ts";
import type { Kind } from "../../../kinds/kind.ts";
import type { KubeObject } from "../../../kinds/object.ts";
import type { View } from "../../../store/view.ts";
import type { AdmissionRequest, AdmissionWorld } from "../admission.ts";
import { isExempt, type KindsOf, matchedKind, type Selectors, selectorsOf, selectsNamespace, selectsObject } from "../matching.ts";
import { type Conditions, conditionsOf, holdsAll } from "../policies/conditions.ts";
import type { Expressions } from "../policies/expressions.ts";

type Webhook = MutatingWebhook | ValidatingWebhook;

interface Configuration extends KubeObject {
  readonly webhooks?: readonly Webhook[];
}

/** One webhook, ready to be asked. */
export interface Hook {
  /** Its configuration, its name and how often that name stood there before. */
  readonly uid: string;
  readonly configuration: string;
  readonly webhook: Webhook;
  readonly selectors: Selectors;
  readonly conditions: Conditions;
}

/** Those of one of the two resources, kept as the view shows them. */
export class Hooks {
  readonly #view: View;
  readonly #resource: string;
  /** Undefined when a configuration has changed since it was read. */
  #hooks: readonly Hook[] | undefined;

  constructor(view: View, resource: string) {
    this.#view = view;
    this.#resource = resource;
    view.watch(resource, view.revision, () => {
      this.#hooks = undefined;
    });
  }

  get all(): readonly Hook[] {
    this.#hooks ??= this.#view.list(this.#resource).flatMap((entry) => this.#read(this.#view.decode<Configuration>(entry)));
    return this.#hooks;
  }

  #read({ metadata, webhooks = [] }: Configuration): readonly Hook[] {
    const seen = new Map<string, number>();
    return webhooks.map((webhook) => {
      const { name, failurePolicy, matchConditions = [] } = webhook;
      const index = seen.get(name) ?? 0;
      seen.set(name, index + 1);
      return {
        uid: `${metadata.name}/${name}/${index}`,
        configuration: metadata.name,
        webhook,
        selectors: selectorsOf(webhook),
        conditions: conditionsOf(matchConditions, failurePolicy),
      };
    });
  }
}

/** As which kind a webhook is to see the request; undefined when it is none of its business. */
export async function concerns(
  { webhook, selectors, conditions }: Hook,
  request: AdmissionRequest,
  kindsOf: KindsOf,
  expressions: Expressions,
  world: AdmissionWorld,
): Promise<Kind | undefined> {
  if (isExempt(request)) return undefined;
  const kind = matchedKind(webhook.rules, webhook.matchPolicy, request, kindsOf);
  if (kind === undefined || !selectsObject(selectors, request)) return undefined;
  if (!(await selectsNamespace(selectors, request, world))) return undefined;
  return (await holdsAll(conditions, request, kind, expressions)) ? kind : undefined;
}
