import type { Identity } from "../identity.ts";
import { MASTERS } from "../identity.ts";
import type { Attributes } from "./attributes.ts";

export interface Decision {
  readonly allowed: boolean;
  /** Why; empty where there is nothing to say. Refusals carry it on. */
  readonly reason: string;
  /** Refused for good: nobody after this one is asked. Nobody but a webhook says so. */
  readonly denied?: true;
}

/** Who may do what. Synchronous where it can be, since it stands in the way of every request. */
export interface Authorizer {
  authorize(identity: Identity, attributes: Attributes): Decision | Promise<Decision>;
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

/** Nobody but the super-users does anything. */
export const ALWAYS_DENY: Authorizer = { authorize: () => ({ allowed: false, reason: "Everything is forbidden." }) };

/** The first that allows, or denies, decides; else what each had to say. Source: apiserver's authorization/union. */
export function anyOf(authorizers: readonly Authorizer[]): Authorizer {
  const askFrom = (first: number, before: string, identity: Identity, attributes: Attributes): Decision | Promise<Decision> => {
    let reasons = before;
    for (let at = first; at < authorizers.length; at++) {
      const answer = authorizers[at]?.authorize(identity, attributes) ?? NO_OPINION;
      if (answer instanceof Promise) {
        return answer.then((decision) =>
          isLast(decision) ? decision : askFrom(at + 1, together(reasons, decision.reason), identity, attributes),
        );
      }
      if (isLast(answer)) return answer;
      reasons = together(reasons, answer.reason);
    }
    return reasons === "" ? NO_OPINION : { allowed: false, reason: reasons };
  };
  return { authorize: (identity, attributes) => askFrom(0, "", identity, attributes) };
}

function isLast({ allowed, denied }: Decision): boolean {
  return allowed || denied === true;
}

function together(before: string, reason: string): string {
  if (reason === "") return before;
  return before === "" ? reason : `${before}\n${reason}`;
}
