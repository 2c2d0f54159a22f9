import type { Authorizer } from "../../../actors/registry/admission/policies/expressions.ts";
import { onResource } from "../authorization/attributes.ts";
import type { Deciding } from "./deciding.ts";

/** `authorizer` of expressions in webhooks and policies: what the doors would decide. */
export function expressionAuthorizer(access: () => Deciding): Authorizer {
  return {
    authorize(requester, { verb, path, group, resource, subresource, namespace, name }) {
      const asked =
        path === "" ? onResource({ verb, group, resource, subresource, namespace, name }) : ({ type: "page", method: verb, path } as const);
      return access().authorizer.authorize(requester, asked);
    },
  };
}
