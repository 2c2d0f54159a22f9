import type { SubjectAccessReview } from "../../../actors/kinds/generated/types.ts";
import type { Clock, Logger } from "../../../runtime/mod.ts";
import type { ReviewClient } from "../../outbound/review-client.ts";
import { ReviewFailure } from "../../outbound/review-client.ts";
import { Expiring } from "../expiring.ts";
import type { Identity } from "../identity.ts";
import type { Attributes } from "./attributes.ts";
import type { Authorizer, Decision } from "./authorizer.ts";
import { NO_OPINION } from "./authorizer.ts";
import type { WebhookSettings } from "./configuration.ts";
import { matcherOf } from "./match-conditions.ts";

const REMEMBERED_MAX = 8_192;
/** Longer questions are not remembered: an attacker's would fill the memory. Source: webhook.go's maxControlledAttrCacheSize. */
const REMEMBERED_CHARS_MAX = 10_000;

export interface WebhookAuthorizerOptions {
  readonly client: Pick<ReviewClient, "post">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly settings: Omit<WebhookSettings, "access">;
}

const FAILED: Readonly<Record<WebhookSettings["onFailure"], Decision>> = {
  NoOpinion: NO_OPINION,
  Deny: { allowed: false, denied: true, reason: "" },
};

/** Asks somebody outside who may do what. Source: apiserver's plugin/pkg/authorizer/webhook. */
export class WebhookAuthorizer implements Authorizer {
  readonly #options: WebhookAuthorizerOptions;
  readonly #matches: ReturnType<typeof matcherOf>;
  readonly #known: Expiring<Decision>;

  constructor(options: WebhookAuthorizerOptions) {
    this.#options = options;
    this.#matches = matcherOf(options.settings.conditions);
    this.#known = new Expiring(options.clock, REMEMBERED_MAX);
  }

  authorize(identity: Identity, attributes: Attributes): Decision | Promise<Decision> {
    const spec = specOf(identity, attributes);
    const matches = this.#matches(spec);
    if (matches === false) return NO_OPINION;
    if (matches === undefined) return FAILED[this.#options.settings.onFailure];
    const key = JSON.stringify(spec);
    return this.#known.get(key) ?? this.#ask(spec, key);
  }

  async #ask(spec: SubjectAccessReview["spec"], key: string): Promise<Decision> {
    const { client, log, settings } = this.#options;
    const { allowed_ms, refused_ms, version, onFailure } = settings;
    const apiVersion = `authorization.k8s.io/${version}`;
    const review = { apiVersion, kind: "SubjectAccessReview", metadata: {}, spec: version === "v1" ? spec : olderSpec(spec) };
    let status: SubjectAccessReview["status"];
    try {
      ({ status } = (await client.post(review)) as SubjectAccessReview);
    } catch (error) {
      if (!(error instanceof ReviewFailure)) throw error;
      log.warn({ error: error.message }, "a webhook for access could not be asked; it allows nothing meanwhile");
      return FAILED[onFailure];
    }
    const { allowed = false, denied = false, reason = "" } = status ?? {};
    // One that says both says nothing that can be trusted.
    const decision: Decision = { allowed: allowed && !denied, reason, ...(denied ? { denied: true } : {}) };
    if (key.length <= REMEMBERED_CHARS_MAX) this.#known.set(key, decision, decision.allowed ? allowed_ms : refused_ms);
    return decision;
  }
}

/** v1beta1 had another name for the groups. */
function olderSpec({ groups, ...spec }: SubjectAccessReview["spec"]): object {
  return groups === undefined ? spec : { ...spec, group: groups };
}

function specOf({ user, uid, groups, extra }: Identity, attributes: Attributes): SubjectAccessReview["spec"] {
  const who = {
    user,
    ...(groups.length === 0 ? {} : { groups: [...groups] }),
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
  };
  if (attributes.type === "page") return { ...who, nonResourceAttributes: { path: attributes.path, verb: attributes.method } };
  const { verb, group, resource, subresource, namespace, name, query } = attributes;
  const selectors = selectorsOf(query);
  const resourceAttributes = {
    verb,
    ...(group === "" ? {} : { group }),
    version: attributes.version ?? "*",
    resource,
    ...(subresource === "" ? {} : { subresource }),
    ...(namespace === "" ? {} : { namespace }),
    ...(name === "" ? {} : { name }),
    ...selectors,
  };
  return { ...who, resourceAttributes };
}

/** What a list or watch narrows itself to. */
function selectorsOf(query: URLSearchParams | undefined): object {
  const [fieldSelector, labelSelector] = [query?.get("fieldSelector"), query?.get("labelSelector")];
  return {
    ...(fieldSelector ? { fieldSelector: { rawSelector: fieldSelector } } : {}),
    ...(labelSelector ? { labelSelector: { rawSelector: labelSelector } } : {}),
  };
}
