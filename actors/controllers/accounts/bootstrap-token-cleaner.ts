import { SecretKind } from "../../kinds/core/secret.ts";
import type { Secret } from "../../kinds/generated/types.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { anyKind, remove } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { bootstrapTokenOf, mayBeBootstrapToken, SECRETS } from "./bootstrap-token.ts";

/** Deletes tokens for new nodes when their time is over. Source: pkg/controller/bootstrap/tokencleaner.go. */
export const bootstrapTokenCleaner: Controller = {
  name: "bootstrap-token-cleaner",
  component: "token-cleaner",
  author: controllerAccount("token-cleaner"),
  kind: anyKind(SecretKind),
  watches: [{ resource: SECRETS, keys: ({ now }) => (now !== undefined && mayBeBootstrapToken(now.key) ? [now.key] : NO_KEYS) }],
  reconcile,
};

function reconcile(view: View, key: string, now_ms: number): readonly Action[] {
  const token = bootstrapTokenOf(view.get<Secret>(key));
  if (token === undefined || token.expires_ms === Number.POSITIVE_INFINITY) return NOTHING;
  const left_ms = token.expires_ms - now_ms;
  return left_ms > 0 ? [{ do: "requeue", after_ms: left_ms }] : [remove(SecretKind, token.secret)];
}
