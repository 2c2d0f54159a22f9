/** Admission that is configured by objects: webhooks, and policies in CEL. */
import type { KindTable } from "../../kinds/kinds.ts";
import { type KindsOf, kindsOf } from "./matching.ts";
import { type Authorizer, Expressions, MASTERS_ONLY } from "./policies/expressions.ts";
import { NO_WEBHOOKS, type WebhookClient } from "./webhooks/webhook-client.ts";

/** What its plugins need beside the world of all others. */
export interface DynamicAdmission {
  readonly client: WebhookClient;
  readonly kinds: Pick<KindTable, "all" | "byApiVersion">;
  readonly kindsOf: KindsOf;
  readonly expressions: Expressions;
}

export interface DynamicOptions {
  readonly kinds: Pick<KindTable, "all" | "byApiVersion">;
  /** Default NO_WEBHOOKS: what is configured cannot be reached. */
  readonly webhooks?: WebhookClient;
  /** Default MASTERS_ONLY. */
  readonly authorizer?: Authorizer;
}

export function dynamicAdmission({ kinds, webhooks = NO_WEBHOOKS, authorizer = MASTERS_ONLY }: DynamicOptions): DynamicAdmission {
  return { client: webhooks, kinds, kindsOf: kindsOf(kinds), expressions: new Expressions(authorizer) };
}
