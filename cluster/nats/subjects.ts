import type { PolicyRule } from "../../actors/kinds/generated/types.ts";
import type { Permissions } from "./claims.ts";

/**
 * The subjects that clients of NATS have, in an account of their own:
 *
 *   troupe.api.<verb>.<group>.<resource>.<namespace>.<name>     requests
 *   troupe.watch.<group>.<resource>.<namespace>.<name>          what becomes of an object
 *
 * The dots of a group are `_`, the group without a name is `core`; a subresource is `pods/log`; `_` stands for no namespace, and for no name. A name comes last
 * and as it is, dots and all, so that a rule's name is one subject; what NATS would read as more than a letter is written `%2A`.
 */
export const REQUESTS = "troupe.api";
export const WATCHES = "troupe.watch";
const NONE = "_";
/** How tools find services: NATS' micro protocol. It tells who answers on which subjects, and how much; nothing of objects. */
export const DISCOVERY = "$SRV";

/** What is published for an object, or to ask for something of it; a rule's `*` stays a wildcard. */
export interface SubjectParts {
  readonly group: string;
  /** With its subresource, if it is one: `pods/log`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

export function requestSubject(verb: string, parts: SubjectParts): string {
  return `${REQUESTS}.${escaped(verb)}.${tail(parts)}`;
}

export function watchSubject(parts: SubjectParts): string {
  return `${WATCHES}.${tail(parts)}`;
}

function tail({ group, resource, namespace, name }: SubjectParts): string {
  return `${groupToken(group)}.${escaped(resource)}.${namespace === "" ? NONE : namespace}.${name === "" ? NONE : escapedName(name)}`;
}

/** What a request's subject asks for; undefined for subjects that are none. */
export function requestOf(subject: string): (SubjectParts & { readonly verb: string }) | undefined {
  if (!subject.startsWith(`${REQUESTS}.`)) return undefined;
  const [verb = "", group = "", resource = "", namespace = "", ...name] = subject.slice(REQUESTS.length + 1).split(".");
  const token = name.join(".");
  if (token === "") return undefined;
  try {
    return {
      verb: decodeURIComponent(verb),
      group: group === CORE ? "" : group.replaceAll("_", "."),
      resource: plain(resource),
      namespace: namespace === NONE ? "" : plain(namespace),
      name: token === NONE ? "" : plain(token),
    };
  } catch {
    return undefined;
  }
}

function plain(token: string): string {
  return token.includes("%") ? decodeURIComponent(token) : token;
}

/** Which events a subscription hears, as the tokens after the prefix: `["core", "pods", "*", ">"]`; undefined: none. */
export function watchPattern(subject: string): readonly string[] | undefined {
  const tokens = subject.split(".");
  const prefix = WATCHES.split(".");
  for (const [at, own] of prefix.entries()) {
    if (tokens[at] === ">") return [">"];
    if (tokens[at] !== own && tokens[at] !== "*") return undefined;
  }
  return tokens.length > prefix.length ? tokens.slice(prefix.length) : undefined;
}

const CORE = "core";

function groupToken(group: string): string {
  return group === "" ? CORE : escaped(group.replaceAll(".", "_"));
}

/** One token. */
function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll(".", "%2E").replaceAll("*", "%2A");
}

/** A name may be several tokens, none of them empty. */
function escapedName(name: string): string {
  const plain = name.split(".").every((token) => token !== "");
  const text = encodeURIComponent(name).replaceAll("%3A", ":").replaceAll("*", "%2A");
  return plain ? text : text.replaceAll(".", "%2E");
}

/** A rule that holds in a namespace; in all, and outside of them, where that is empty. */
export interface RuleIn {
  readonly namespace: string;
  readonly rule: PolicyRule;
}

/** Where a user hears the answers to its requests, and nobody else. */
export function inboxPrefix(publicKey: string): string {
  return `_INBOX_${publicKey}`;
}

/** What somebody bound by these rules may publish and hear; `everything`: no rule is needed. */
export function permissionsOf(rules: readonly RuleIn[], everything: boolean, publicKey: string): Permissions {
  const inbox = `${inboxPrefix(publicKey)}.>`;
  const discovery = `${DISCOVERY}.>`;
  if (everything) return { publish: [`${REQUESTS}.>`, discovery], subscribe: [inbox, `${WATCHES}.>`] };
  const [publish, subscribe] = [new Set<string>([discovery]), new Set<string>([inbox])];
  for (const { namespace, rule } of rules) {
    const place = namespace === "" ? "*" : namespace;
    for (const { verb, about } of QUESTIONS)
      for (const what of tailsOf(asking(rule, verb, about), place)) publish.add(`${REQUESTS}.${verb}.${what}`);
    for (const what of tailsOf(rule, place)) {
      for (const verb of rule.verbs) publish.add(`${REQUESTS}.${verb === "*" ? "*" : escaped(verb)}.${what}`);
      // Who follows one by one what a list shows may see the list.
      if (rule.verbs.some((verb) => verb === "watch" || verb === "*")) subscribe.add(`${WATCHES}.${what}`);
    }
  }
  return { publish: [...publish], subscribe: [...subscribe] };
}

/** Who may read pods may ask why one is where it is, and who may create them where they would go; what else they must be allowed is decided when they ask. */
export const QUESTIONS = [
  { verb: "get", about: "pods/why" },
  { verb: "create", about: "pods/what-if" },
] as const;

function asking({ verbs, apiGroups = [], resources = [], resourceNames = [] }: PolicyRule, verb: string, about: string): PolicyRule {
  const may = (words: readonly string[], word: string): boolean => words.includes(word) || words.includes("*");
  const asks = may(verbs, verb) && may(apiGroups, "") && resources.includes("pods");
  return { verbs: [verb], apiGroups: [""], resources: asks ? [about] : [], resourceNames };
}

function tailsOf({ apiGroups = [], resources = [], resourceNames = [] }: PolicyRule, namespace: string): readonly string[] {
  const names = resourceNames.length === 0 ? [">"] : resourceNames.map(escapedName);
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      names.map((name) => `${group === "*" ? "*" : groupToken(group)}.${resourceToken(resource)}.${namespace}.${name}`),
    ),
  );
}

/** `*` is every resource and subresource; `*\/scale` cannot be said in a subject without saying more, so it is left to those who name the resource. */
function resourceToken(resource: string): string {
  return resource === "*" ? "*" : escaped(resource);
}
