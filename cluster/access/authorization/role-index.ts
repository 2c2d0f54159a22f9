import { goQuote } from "../../../actors/kinds/field-error.ts";
import type { PolicyRule, RbacSubject, RoleRef } from "../../../actors/kinds/generated/types.ts";
import type { Identity } from "../identity.ts";
import { serviceAccountUser } from "../identity.ts";
import type { Attributes, PageAttributes, ResourceAttributes } from "./attributes.ts";
import type { Authorizer, Decision } from "./authorizer.ts";
import { NO_OPINION } from "./authorizer.ts";
import { aggregated } from "./escalation.ts";
import { allowsAction, allowsPage } from "./rules.ts";

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

/** A role, its rules by the resources that they name: a question looks at three names instead of all rules. */
interface IndexedRole {
  readonly rules: readonly PolicyRule[];
  readonly byResource: ReadonlyMap<string, readonly PolicyRule[]>;
}

/** What somebody may do of one thing. */
interface Grant {
  /** Why they may, whatever the name; undefined: not whatever the name. */
  readonly always: Decision | undefined;
  readonly byName: ReadonlyMap<string, Decision> | undefined;
  readonly otherwise: Decision;
}

/** What is known of an identity. */
interface Remembered {
  readonly version: number;
  /** Those of subjects that the identity is. */
  readonly keys: readonly string[];
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
  readonly #roles = new Map<RoleName, IndexedRole>();
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
    else this.#roles.set(role, indexed(rules));
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
    for (const binding of this.#bindingsOf(keysOf(identity), namespace)) {
      const found = this.#roles.get(binding.role);
      if (found === undefined) errors.push(roleMissing(binding.roleRef));
      else rules.push(...found.rules);
    }
    return { rules, errors };
  }

  /** All rules that apply to somebody anywhere, each with the namespace that it holds in: empty for all. */
  allRulesFor(identity: Identity): readonly { readonly namespace: string; readonly rule: PolicyRule }[] {
    const keys = keysOf(identity);
    return [...this.#bySubject.keys()].flatMap((namespace) => {
      const bindings: Binding[] = [];
      this.#addBindings(bindings, keys, namespace);
      return bindings.flatMap(({ role }) => (this.#roles.get(role)?.rules ?? []).map((rule) => ({ namespace, rule })));
    });
  }

  /** The rules of the role that a binding in this namespace refers to; undefined when there is no such role. */
  rulesOf(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    return this.#roles.get(roleName(roleRef, namespace))?.rules;
  }

  #grant(identity: Identity, attributes: Attributes): Grant {
    let remembered = this.#remembered.get(identity);
    if (remembered === undefined || remembered.version !== this.#version) {
      remembered = { version: this.#version, keys: remembered?.keys ?? keysOf(identity), grants: new Map<string, Map<string, Grant>>() };
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
    const { keys } = remembered;
    const grant = attributes.type === "page" ? this.#pageGrant(keys, attributes) : this.#resourceGrant(keys, attributes);
    if (grants.size >= REMEMBERED_MAX) grants.clear();
    grants.set(what, grant);
    return grant;
  }

  #resourceGrant(keys: readonly string[], attributes: ResourceAttributes): Grant {
    const { resource, subresource } = attributes;
    const patterns = subresource === "" ? ["*", resource] : ["*", `${resource}/${subresource}`, `*/${subresource}`];
    const errors: string[] = [];
    let byName: Map<string, Decision> | undefined;
    for (const binding of this.#bindingsOf(keys, attributes.namespace)) {
      const role = this.#roles.get(binding.role);
      if (role === undefined) errors.push(roleMissing(binding.roleRef));
      else {
        for (const pattern of patterns) {
          for (const rule of role.byResource.get(pattern) ?? NO_RULES) {
            if (!allowsAction(rule, attributes)) continue;
            const allowed = allowedBy(binding, keys);
            if (rule.resourceNames === undefined || rule.resourceNames.length === 0)
              return { always: allowed, byName, otherwise: NO_OPINION };
            byName ??= new Map();
            for (const name of rule.resourceNames) if (!byName.has(name)) byName.set(name, allowed);
          }
        }
      }
    }
    return { always: undefined, byName, otherwise: refusedWith(errors) };
  }

  #pageGrant(keys: readonly string[], attributes: PageAttributes): Grant {
    const errors: string[] = [];
    for (const binding of this.#bindingsOf(keys, "")) {
      const role = this.#roles.get(binding.role);
      if (role === undefined) errors.push(roleMissing(binding.roleRef));
      if (role?.rules.some((rule) => allowsPage(rule, attributes)) === true)
        return { always: allowedBy(binding, keys), byName: undefined, otherwise: NO_OPINION };
    }
    return { always: undefined, byName: undefined, otherwise: refusedWith(errors) };
  }

  /** The bindings that bind somebody, those of all namespaces first; each once. */
  #bindingsOf(keys: readonly string[], namespace: string): readonly Binding[] {
    const found: Binding[] = [];
    this.#addBindings(found, keys, "");
    if (namespace !== "") this.#addBindings(found, keys, namespace);
    return found;
  }

  #addBindings(found: Binding[], keys: readonly string[], namespace: string): void {
    const scope = this.#bySubject.get(namespace);
    if (scope === undefined) return;
    for (const [at, key] of keys.entries()) {
      for (const binding of scope.get(key) ?? []) {
        // One that names both a user and a group of theirs was met by the first of the two.
        const isKnown = binding.keys.length > 1 && at > 0 && keys.slice(0, at).some((before) => binding.keys.includes(before));
        if (!isKnown) found.push(binding);
      }
    }
  }
}

const NO_RULES: readonly PolicyRule[] = [];

function indexed(rules: readonly PolicyRule[]): IndexedRole {
  const byResource = new Map<string, PolicyRule[]>();
  for (const rule of rules) {
    for (const resource of new Set(rule.resources)) {
      const same = byResource.get(resource);
      if (same === undefined) byResource.set(resource, [rule]);
      else same.push(rule);
    }
  }
  return { rules, byResource };
}

function question(attributes: Attributes): string {
  if (attributes.type === "page") return `${attributes.method} ${attributes.path}`;
  const { verb, group, resource, subresource } = attributes;
  return `${verb} ${group}/${resource}/${subresource}`;
}

function keysOf({ user, groups }: Identity): readonly string[] {
  return [`u:${user}`, ...groups.map((group) => `g:${group}`)];
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

/** Its reason is printed for who asks for it: `RBAC: allowed by RoleBinding "b/default" of Role "reader" to User "jane"`. */
function allowedBy({ name, namespace, roleRef, subjects, keys }: Binding, own: readonly string[]): Decision {
  return {
    allowed: true,
    get reason(): string {
      const subject = subjects[keys.findIndex((key) => own.includes(key))];
      if (subject === undefined) return "";
      const called = subject.kind === "ServiceAccount" ? `${subject.name}/${subject.namespace || namespace}` : subject.name;
      const kind = namespace === "" ? "ClusterRoleBinding" : "RoleBinding";
      const binding = namespace === "" ? name : `${name}/${namespace}`;
      const whom = `${subject.kind} ${goQuote(called)}`;
      return `RBAC: allowed by ${kind} ${goQuote(binding)} of ${roleRef.kind} ${goQuote(roleRef.name)} to ${whom}`;
    },
  };
}
