/** Acting as somebody else. Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation, filters/impersonation.go. */
import type { IncomingHttpHeaders } from "node:http";
import type { ResourceAttributes } from "../authorization/attributes.ts";
import { onResource } from "../authorization/attributes.ts";
import type { Authorizer } from "../authorization/authorizer.ts";
import { refusal } from "../authorization/refusal.ts";
import type { Identity } from "../identity.ts";
import { ANONYMOUS_USER, AUTHENTICATED, serviceAccountGroups, serviceAccountOf, UNAUTHENTICATED } from "../identity.ts";

const USER = "impersonate-user";
const UID = "impersonate-uid";
const GROUP = "impersonate-group";
const EXTRA = "impersonate-extra-";
const GROUP_OF_KINDS = "authentication.k8s.io";

/** Identities that were taken on and are remembered, so that decisions about them are too. */
const REMEMBERED_MAX = 1_024;

/** The raw headers of a request, name and value in turn, as they came. */
type RawHeaders = readonly string[];

interface Wish {
  readonly identity: Identity;
  /** What its asker must be allowed for it. */
  readonly asks: readonly ResourceAttributes[];
}

/** An identity that nobody could have. Kubernetes answers these by a page, not by a Status. */
export class NoIdentity extends Error {
  override readonly name = "NoIdentity";
}

/** Takes on identities for those who may. */
export class Impersonation {
  readonly #authorizer: Authorizer;
  readonly #remembered = new Map<string, Wish>();

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer;
  }

  /**
   * Whom the request is made as: its asker, where it does not say otherwise. Throws 403 in Kubernetes' words for who may not, NoIdentity
   * for what makes no sense. Every part of the identity has to be allowed by itself.
   */
  act(asker: Identity, headers: IncomingHttpHeaders, rawHeaders: RawHeaders): Identity | Promise<Identity> {
    if (!isAskedFor(headers)) return asker;
    const said = rawHeaders.filter((_, index) => rawHeaders[index - (index % 2)]?.toLowerCase().startsWith("impersonate-"));
    const key = JSON.stringify(said);
    let wish = this.#remembered.get(key);
    if (wish === undefined) {
      wish = wishOf(said);
      if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
      this.#remembered.set(key, wish);
    }
    return this.#allowed(asker, wish);
  }

  async #allowed(asker: Identity, { asks, identity }: Wish): Promise<Identity> {
    for (const attributes of asks) {
      const { allowed, reason } = await this.#authorizer.authorize(asker, attributes);
      if (!allowed) throw refusal(asker, attributes, reason);
    }
    return identity;
  }
}

function isAskedFor(headers: IncomingHttpHeaders): boolean {
  for (const name in headers) if (name.startsWith("impersonate-")) return true;
  return false;
}

function wishOf(said: RawHeaders): Wish {
  let user = "";
  let uid = "";
  const groups: string[] = [];
  const extra: Record<string, string[]> = {};
  for (let at = 0; at + 1 < said.length; at += 2) {
    const name = said[at]?.toLowerCase() ?? "";
    const value = said[at + 1] ?? "";
    if (name === USER && user === "") user = value;
    else if (name === UID && uid === "") uid = value;
    else if (name === GROUP) groups.push(value);
    else if (name.startsWith(EXTRA)) {
      const key = unescaped(name.slice(EXTRA.length));
      extra[key] = [...(extra[key] ?? []), value];
    }
  }
  const asks: ResourceAttributes[] = [];
  const account = serviceAccountOf(user);
  if (account !== undefined) asks.push(onResource({ verb: "impersonate", resource: "serviceaccounts", ...account }));
  else if (user !== "") asks.push(onResource({ verb: "impersonate", resource: "users", name: user }));
  for (const name of groups) asks.push(onResource({ verb: "impersonate", resource: "groups", name }));
  for (const [subresource, values] of Object.entries(extra)) {
    for (const name of values)
      asks.push(onResource({ verb: "impersonate", group: GROUP_OF_KINDS, resource: "userextras", subresource, name }));
  }
  if (uid !== "") asks.push(onResource({ verb: "impersonate", group: GROUP_OF_KINDS, resource: "uids", name: uid }));
  if (user === "") throw new NoIdentity(`requested ${goReferences(asks)} without impersonating a user`);
  const identity = {
    user,
    groups: groupsOf(user, groups),
    ...(uid === "" ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
  return { identity, asks };
}

/** Who names groups names all; who names none gets those that the user would have. */
function groupsOf(user: string, named: readonly string[]): readonly string[] {
  const account = serviceAccountOf(user);
  const groups = named.length > 0 || account === undefined ? named : serviceAccountGroups(account.namespace);
  const isSaid = groups.includes(AUTHENTICATED) || groups.includes(UNAUTHENTICATED);
  if (user === ANONYMOUS_USER) return groups.includes(UNAUTHENTICATED) ? groups : [...groups, UNAUTHENTICATED];
  return isSaid ? groups : [...groups, AUTHENTICATED];
}

function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** How Go prints the object references that Kubernetes speaks of here. */
function goReferences(asks: readonly ResourceAttributes[]): string {
  const kinds: Readonly<Record<string, string>> = { groups: "Group", userextras: "UserExtra", uids: "UID" };
  const printed = asks.map(({ resource, name, group, subresource }) => {
    const version = group === "" ? "" : `${group}/v1`;
    return `{${kinds[resource] ?? "User"}  ${name}  ${version}  ${subresource}}`;
  });
  return `[${printed.join(" ")}]`;
}
