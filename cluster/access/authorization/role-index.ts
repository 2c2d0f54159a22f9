import { goQuote } from "../../../actors/kinds/field-error.ts";
import type { PolicyRule, RbacSubject, RoleRef } from "../../../actors/kinds/generated/types.ts";
import type { Identity } from "../identity.ts";
import { serviceAccountUser } from "../identity.ts";
import type { Attributes, ResourceAttributes } from "./attributes.ts";
import type { Authorizer, Decision } from "./authorizer.ts";
import { ALLOWED, NO_OPINION } from "./authorizer.ts";
import { aggregated } from "./escalation.ts";
import { allowsPage, allowsSomeName } from "./rules.ts";

/** Decisions that are remembered for one identity in one namespace; beyond, they start over. */
const REMEMBERED_MAX = 2_048;

/** A role as bindings name it: `clusterroles/<name>`, `roles/<namespace>/<name>`. */
type RoleName = string;

interface Binding {
  readonly name: string;
  /** Empty: it holds in all namespaces. */
  readonly namespace: string;
  readonly role: RoleName;
  readonly roleRef: RoleRef;
  readonly subjects: readonly RbacSubject[];
  /** One for each subject; empty where that is nobody. */
  readonly keys: readonly string[];
}

/** What somebody may do of one thing. */
interface Grant {
  /** Why they may, whatever the name; undefined: not whatever the name. */
  readonly always: Decision | undefined;
  readonly byName: ReadonlyMap<string, Decision> | undefined;
  readonly otherwise: Decision;
}

/** What holds for an identity in one namespace. */
interface Remembered {
  readonly version: number;
  /** By namespace, then by what is asked. */
  readonly grants: Map<string, Map<string, Grant>>;
}

/** The rules that apply to somebody in a namespace, and what could not be found out. */
export interface EffectiveRules {
  readonly rules: readonly PolicyRule[];
  readonly errors: readonly string[];
}

/**
 * Kubernetes' role-based access control: roles and bindings, indexed by whom they bind. It promises the decisions of kube-apiserver's RBAC
 * authorizer, with its reasons. Pure: told of every change, it asks nobody. A decision looks only at bindings of the identity's own name and groups,
 * whatever number of others there are, and is remembered until something changes. Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/ and
 * pkg/registry/rbac/validation/rule.go.
 */
export class RoleIndex implements Authorizer {
  readonly #roles = new Map<RoleName, readonly PolicyRule[]>();
  readonly #bindings = new Map<string, Binding>();
  /** Bindings by namespace (empty: of all), then by the key of a subject. */
  readonly #bySubject = new Map<string, Map<string, Set<Binding>>>();
  /** Grows with every change; what was remembered at another one is void. */
  #version = 0;
  readonly #remembered = new WeakMap<Identity, Remembered>();

  /** `rules` undefined: the role is gone. */
  setRole(role: RoleName, rules: readonly PolicyRule[] | undefined): void {
    this.#version++;
    if (rules === undefined) this.#roles.delete(role);
    else this.#roles.set(role, rules);
  }

  /** `key` is the binding's own in the store, `namespace` empty for one that holds everywhere. */
  setBinding(key: string, name: string, namespace: string, roleRef: RoleRef, subjects: readonly RbacSubject[]): void {
    this.removeBinding(key);
    const keys = subjects.map((subject) => keyOf(subject, namespace));
    const binding = { name, namespace, role: roleName(roleRef, namespace), roleRef, subjects, keys };
    this.#bindings.set(key, binding);
    const scope = this.#bySubject.get(namespace) ?? new Map<string, Set<Binding>>();
    this.#bySubject.set(namespace, scope);
    for (const subject of keys) {
      if (subject === "") continue;
      const bound = scope.get(subject);
      if (bound === undefined) scope.set(subject, new Set([binding]));
      else bound.add(binding);
    }
  }

  removeBinding(key: string): void {
    this.#version++;
    const binding = this.#bindings.get(key);
    if (binding === undefined) return;
    this.#bindings.delete(key);
    const scope = this.#bySubject.get(binding.namespace);
    for (const subject of binding.keys) {
      const bound = scope?.get(subject);
      bound?.delete(binding);
      if (bound?.size === 0) scope?.delete(subject);
    }
    if (scope?.size === 0) this.#bySubject.delete(binding.namespace);
  }

  authorize(identity: Identity, attributes: Attributes): Decision {
    const grant = this.#grant(identity, attributes);
    if (grant.always !== undefined) return grant.always;
    if (grant.byName === undefined || attributes.type === "page") return grant.otherwise;
    return grant.byName.get(attributes.name) ?? grant.otherwise;
  }

  /** All rules that apply to somebody in a namespace (empty: those that hold in all). */
  rulesFor(identity: Identity, namespace: string): EffectiveRules {
    const rules: PolicyRule[] = [];
    const errors: string[] = [];
    for (const binding of this.#bindingsOf(identity, namespace)) {
      const found = this.#roles.get(binding.role);
      if (found === undefined) errors.push(roleMissing(binding.roleRef));
      else rules.push(...found);
    }
    return { rules, errors };
  }

  /** The rules of the role that a binding in this namespace refers to; undefined when there is no such role. */
  rulesOf(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    return this.#roles.get(roleName(roleRef, namespace));
  }

  #grant(identity: Identity, attributes: Attributes): Grant {
    let remembered = this.#remembered.get(identity);
    if (remembered === undefined || remembered.version !== this.#version) {
      remembered = { version: this.#version, grants: new Map<string, Map<string, Grant>>() };
      this.#remembered.set(identity, remembered);
    }
    const namespace = attributes.type === "page" ? "" : attributes.namespace;
    const grants = remembered.grants.get(namespace) ?? new Map<string, Grant>();
    if (grants.size === 0) {
      if (remembered.grants.size >= REMEMBERED_MAX) remembered.grants.clear();
      remembered.grants.set(namespace, grants);
    }
    const what = question(attributes);
    const known = grants.get(what);
    if (known !== undefined) return known;
    const grant = attributes.type === "page" ? this.#pageGrant(identity, attributes) : this.#resourceGrant(identity, attributes);
    if (grants.size >= REMEMBERED_MAX) grants.clear();
    grants.set(what, grant);
    return grant;
  }

  #resourceGrant(identity: Identity, attributes: ResourceAttributes): Grant {
    const errors: string[] = [];
    let byName: Map<string, Decision> | undefined;
    for (const binding of this.#bindingsOf(identity, attributes.namespace)) {
      const rules = this.#roles.get(binding.role);
      if (rules === undefined) errors.push(roleMissing(binding.roleRef));
      for (const rule of rules ?? []) {
        if (!allowsSomeName(rule, attributes)) continue;
        const allowed = allowedBy(binding, identity);
        if (rule.resourceNames === undefined || rule.resourceNames.length === 0) return { always: allowed, byName, otherwise: NO_OPINION };
        byName ??= new Map();
        for (const name of rule.resourceNames) if (!byName.has(name)) byName.set(name, allowed);
      }
    }
    return { always: undefined, byName, otherwise: refusedWith(errors) };
  }

  #pageGrant(identity: Identity, attributes: Extract<Attributes, { type: "page" }>): Grant {
    const errors: string[] = [];
    for (const binding of this.#bindingsOf(identity, "")) {
      const rules = this.#roles.get(binding.role);
      if (rules === undefined) errors.push(roleMissing(binding.roleRef));
      if (rules?.some((rule) => allowsPage(rule, attributes)) === true)
        return { always: allowedBy(binding, identity), byName: undefined, otherwise: NO_OPINION };
    }
    return { always: undefined, byName: undefined, otherwise: refusedWith(errors) };
  }

  /** The bindings that bind somebody, those of all namespaces first; each once. */
  *#bindingsOf(identity: Identity, namespace: string): Generator<Binding> {
    const seen = new Set<Binding>();
    for (const place of namespace === "" ? [""] : ["", namespace]) {
      const scope = this.#bySubject.get(place);
      if (scope === undefined) continue;
      for (const key of keysOfIdentity(identity)) {
        for (const binding of scope.get(key) ?? []) {
          if (seen.has(binding)) continue;
          seen.add(binding);
          yield binding;
        }
      }
    }
  }
}

function question(attributes: Attributes): string {
  if (attributes.type === "page") return `${attributes.method} ${attributes.path}`;
  const { verb, group, resource, subresource } = attributes;
  return `${verb} ${group}/${resource}/${subresource}`;
}

function* keysOfIdentity({ user, groups }: Identity): Generator<string> {
  yield `u:${user}`;
  for (const group of groups) yield `g:${group}`;
}

/** Empty for a subject that is nobody. A service account without a namespace is of the binding's own. */
function keyOf({ kind, name, namespace }: RbacSubject, bindingNamespace: string): string {
  switch (kind) {
    case "User":
      return `u:${name}`;
    case "Group":
      return `g:${name}`;
    case "ServiceAccount": {
      const place = namespace || bindingNamespace;
      return place === "" ? "" : `u:${serviceAccountUser(place, name)}`;
    }
    default:
      return "";
  }
}

function roleName({ kind, name }: RoleRef, namespace: string): RoleName {
  return kind === "Role" ? `roles/${namespace}/${name}` : `clusterroles/${name}`;
}

function roleMissing({ kind, name }: RoleRef): string {
  return `${kind.toLowerCase()}.rbac.authorization.k8s.io ${goQuote(name)} not found`;
}

function refusedWith(errors: readonly string[]): Decision {
  return errors.length === 0 ? NO_OPINION : { allowed: false, reason: `RBAC: ${aggregated(errors)}` };
}

/** `RBAC: allowed by RoleBinding "b/default" of Role "reader" to User "jane"`. */
function allowedBy({ name, namespace, roleRef, subjects, keys }: Binding, identity: Identity): Decision {
  const own = new Set(keysOfIdentity(identity));
  const subject = subjects[keys.findIndex((key) => own.has(key))];
  if (subject === undefined) return ALLOWED;
  const called = subject.kind === "ServiceAccount" ? `${subject.name}/${subject.namespace || namespace}` : subject.name;
  const kind = namespace === "" ? "ClusterRoleBinding" : "RoleBinding";
  const binding = namespace === "" ? name : `${name}/${namespace}`;
  const whom = `${subject.kind} ${goQuote(called)}`;
  return { allowed: true, reason: `RBAC: allowed by ${kind} ${goQuote(binding)} of ${roleRef.kind} ${goQuote(roleRef.name)} to ${whom}` };
}
