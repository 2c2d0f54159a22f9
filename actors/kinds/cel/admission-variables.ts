/** What expressions of admission see, and what of it they may name. Source: apiserver's pkg/admission/plugin/cel/compile.go, and cel/library/authz.go. */
import type { Environment } from "@marcbachmann/cel-js";
import { CelChecker, type CelType, goType } from "./check.ts";

const TEXTS: CelType = { list: "string" };
const KIND: CelType = { object: { group: "string", version: "string", kind: "string" } };
const RESOURCE: CelType = { object: { group: "string", version: "string", resource: "string" } };
const TIME = "google.protobuf.Timestamp";

const REQUEST: CelType = {
  object: {
    kind: KIND,
    resource: RESOURCE,
    subResource: "string",
    requestKind: KIND,
    requestResource: RESOURCE,
    requestSubResource: "string",
    name: "string",
    namespace: "string",
    operation: "string",
    userInfo: { object: { username: "string", uid: "string", groups: TEXTS, extra: { map: TEXTS } } },
    dryRun: "bool",
    options: "dyn",
  },
};

const CONDITION: CelType = { object: { status: "string", type: "string", lastTransitionTime: TIME, message: "string", reason: "string" } };

const NAMESPACE: CelType = {
  object: {
    metadata: {
      object: {
        name: "string",
        generateName: "string",
        namespace: "string",
        labels: { map: "string" },
        annotations: { map: "string" },
        UID: "string",
        creationTimestamp: TIME,
        deletionGracePeriodSeconds: "int",
        deletionTimestamp: TIME,
        generation: "int",
        resourceVersion: "string",
        finalizers: TEXTS,
      },
    },
    spec: { object: { finalizers: TEXTS } },
    status: { object: { conditions: { list: CONDITION }, phase: "string" } },
  },
};

/** Who an expression may ask what others may do. */
export interface CelAuthority {
  /** The same for another user, a service account. */
  serviceAccount(namespace: string, name: string): CelAuthority;
  check(question: CelQuestion): CelDecision | Promise<CelDecision>;
  /** What this very request is about. */
  readonly requestResource: CelQuestion;
}

export interface CelQuestion {
  readonly verb: string;
  /** A path that is no resource; the others are empty then. */
  readonly path: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface CelDecision {
  readonly allowed: boolean;
  readonly reason: string;
  /** Why nobody knows. */
  readonly error?: string;
}

const NO_QUESTION: CelQuestion = { verb: "", path: "", group: "", resource: "", subresource: "", namespace: "", name: "" };

/** `authorizer` as expressions see it. */
export class CelAuthorizer {
  readonly authority: CelAuthority;
  readonly requestResource: ResourceCheck;
  constructor(authority: CelAuthority) {
    this.authority = authority;
    this.requestResource = new ResourceCheck(authority, authority.requestResource);
  }
}

class PathCheck {
  readonly authority: CelAuthority;
  readonly path: string;
  constructor(authority: CelAuthority, path: string) {
    this.authority = authority;
    this.path = path;
  }
}

class GroupCheck {
  readonly authority: CelAuthority;
  readonly group: string;
  constructor(authority: CelAuthority, group: string) {
    this.authority = authority;
    this.group = group;
  }
}

class ResourceCheck {
  readonly authority: CelAuthority;
  readonly question: CelQuestion;
  constructor(authority: CelAuthority, question: CelQuestion) {
    this.authority = authority;
    this.question = question;
  }
  with(more: Partial<CelQuestion>): ResourceCheck {
    return new ResourceCheck(this.authority, { ...this.question, ...more });
  }
}

class Decision {
  readonly decision: CelDecision;
  constructor(decision: CelDecision) {
    this.decision = decision;
  }
}

function decide(authority: CelAuthority, question: CelQuestion): Decision | Promise<Decision> {
  const decided = authority.check(question);
  return decided instanceof Promise ? decided.then((one) => new Decision(one)) : new Decision(decided);
}

const AUTHZ = "kubernetes.authorization";

/** Adds `authorizer` to an environment. */
export function addAuthorizer(env: Environment): Environment {
  env.registerType(`${AUTHZ}.ResourceCheck`, ResourceCheck);
  env.registerType(`${AUTHZ}.Authorizer`, { ctor: CelAuthorizer, fields: { requestResource: `${AUTHZ}.ResourceCheck` } });
  env.registerType(`${AUTHZ}.PathCheck`, PathCheck);
  env.registerType(`${AUTHZ}.GroupCheck`, GroupCheck);
  env.registerType(`${AUTHZ}.Decision`, Decision);
  const on = (signature: string, run: (receiver: never, ...rest: never[]) => unknown, async = false): void => {
    env.registerFunction(`${AUTHZ}.${signature}`, run as (...values: unknown[]) => unknown, { async });
  };
  on(`Authorizer.path(string): ${AUTHZ}.PathCheck`, ({ authority }: CelAuthorizer, path: string) => new PathCheck(authority, path));
  on(`Authorizer.group(string): ${AUTHZ}.GroupCheck`, ({ authority }: CelAuthorizer, group: string) => new GroupCheck(authority, group));
  on(
    `Authorizer.serviceAccount(string, string): ${AUTHZ}.Authorizer`,
    ({ authority }: CelAuthorizer, namespace: string, name: string) => new CelAuthorizer(authority.serviceAccount(namespace, name)),
  );
  on(
    `GroupCheck.resource(string): ${AUTHZ}.ResourceCheck`,
    ({ authority, group }: GroupCheck, resource: string) => new ResourceCheck(authority, { ...NO_QUESTION, group, resource }),
  );
  for (const part of ["subresource", "namespace", "name"] as const) {
    on(`ResourceCheck.${part}(string): ${AUTHZ}.ResourceCheck`, (check: ResourceCheck, text: string) => check.with({ [part]: text }));
  }
  // Rights are not granted by selector here, so what is asked with one is asked without it, which never allows more.
  for (const selector of ["fieldSelector", "labelSelector"]) {
    on(`ResourceCheck.${selector}(string): ${AUTHZ}.ResourceCheck`, (check: ResourceCheck, _selector: string) => check);
  }
  on(
    `PathCheck.check(string): ${AUTHZ}.Decision`,
    ({ authority, path }: PathCheck, verb: string) => decide(authority, { ...NO_QUESTION, path, verb }),
    true,
  );
  on(
    `ResourceCheck.check(string): ${AUTHZ}.Decision`,
    ({ authority, question }: ResourceCheck, verb: string) => decide(authority, { ...question, verb }),
    true,
  );
  on("Decision.allowed(): bool", ({ decision }: Decision) => decision.allowed);
  on("Decision.reason(): string", ({ decision }: Decision) => decision.reason);
  on("Decision.errored(): bool", ({ decision }: Decision) => decision.error !== undefined);
  on("Decision.error(): string", ({ decision }: Decision) => decision.error ?? "");
  return env;
}

export interface Declared {
  readonly params: boolean;
  readonly authorizer: boolean;
  /** Types of the variables of a policy that are known so far. */
  readonly variables?: Readonly<Record<string, CelType>>;
  /** What the objects are, where that is known; anything by default. */
  readonly types?: { readonly object: CelType; readonly params?: CelType };
}

const plain = new Map<string, CelChecker>();

/** A checker of expressions that see these. */
export function admissionChecker({ params, authorizer, variables, types }: Declared): CelChecker {
  const known = `${params} ${authorizer}`;
  const isPlain = variables === undefined && types === undefined;
  const found = isPlain ? plain.get(known) : undefined;
  if (found !== undefined) return found;
  const checker = new CelChecker(
    {
      object: types?.object ?? "dyn",
      oldObject: types?.object ?? "dyn",
      namespaceObject: NAMESPACE,
      request: REQUEST,
      ...(params ? { params: types?.params ?? "dyn" } : {}),
      ...(variables === undefined ? {} : { variables: { object: variables } }),
      ...(authorizer ? { authorizer: `${AUTHZ}.Authorizer` } : {}),
    },
    authorizer ? addAuthorizer : undefined,
  );
  if (isPlain) plain.set(known, checker);
  return checker;
}

/** What is wrong with an expression that is to evaluate to one of these types, as the API says it; undefined when nothing is. */
export function expressionProblem(checker: CelChecker, expression: string, wanted: readonly string[]): string | undefined {
  const checked = checker.check(expression);
  if ("problem" in checked) return `compilation failed: ${checked.problem}`;
  const type = checked.type === "null" ? "null_type" : goType(checked.type);
  if (wanted.includes(type)) return undefined;
  return `must evaluate to ${wanted.length === 1 ? wanted[0] : `one of [${wanted.join(" ")}]`} but got ${type}`;
}
