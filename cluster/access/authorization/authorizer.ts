import type { Identity } from "../identity.ts";
import { MASTERS } from "../identity.ts";
import type { Attributes } from "./attributes.ts";

export interface Decision {
  readonly allowed: boolean;
  /** Why; empty where there is nothing to say. Refusals carry it on. */
  readonly reason: string;
}

/** Who may do what. Synchronous, since it stands in the way of every request. */
export interface Authorizer {
  authorize(identity: Identity, attributes: Attributes): Decision;
}

export const ALLOWED: Decision = { allowed: true, reason: "" };
/** Nobody has anything to say about it: refused. */
export const NO_OPINION: Decision = { allowed: false, reason: "" };

/** Lets the super-users do everything. Source: authorizerfactory.NewPrivilegedGroups. */
export const MASTERS_ONLY: Authorizer = {
  authorize: ({ groups }) => (groups.includes(MASTERS) ? ALLOWED : NO_OPINION),
};

/** Lets everybody do everything: `--authorization-mode AlwaysAllow`, for clusters that nobody else can reach. */
export const ALWAYS_ALLOW: Authorizer = { authorize: () => ALLOWED };

/** The first that allows decides; else what each had to say. Source: apiserver's authorization/union. */
export function anyOf(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize(identity, attributes) {
      let reasons = "";
      for (const authorizer of authorizers) {
        const decision = authorizer.authorize(identity, attributes);
        if (decision.allowed) return decision;
        if (decision.reason !== "") reasons = reasons === "" ? decision.reason : `${reasons}\n${decision.reason}`;
      }
      return reasons === "" ? NO_OPINION : { allowed: false, reason: reasons };
    },
  };
}
