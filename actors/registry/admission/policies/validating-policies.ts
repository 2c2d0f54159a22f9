/** ValidatingAdmissionPolicies: rules in CEL that requests must obey where bindings say so. Source: apiserver's plugin/policy/validating. */
import { CelBudget, CelFailure } from "../../../kinds/cel/cel.ts";
import { celValue } from "../../../kinds/custom/cel-values.ts";
import { forbidden } from "../../../kinds/errors.ts";
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, Validation } from "../../../kinds/generated/types.ts";
import type { Kind } from "../../../kinds/kind.ts";
import type { KubeObject } from "../../../kinds/object.ts";
import { StatusError } from "../../../kinds/status.ts";
import type { View } from "../../../store/view.ts";
import { type AdmissionPlugin, type AdmissionRequest, type AdmissionWorld, refusedName } from "../admission.ts";
import type { DynamicAdmission } from "../dynamic.ts";
import { isExempt, matchedKind, namespaceOf, type Selectors, selectorsOf, selectsNamespace, selectsObject } from "../matching.ts";
import { conditionsOf, outcomeOf } from "./conditions.ts";
import { type Expressions, evaluated, type Seen, seenBy } from "./expressions.ts";
import { ConfigurationError, paramsFor } from "./params.ts";

const POLICIES = "validatingadmissionpolicies.admissionregistration.k8s.io";
const BINDINGS = "validatingadmissionpolicybindings.admissionregistration.k8s.io";
const MESSAGE_BYTES_MAX = 5_120;
const ANNOTATION_BYTES_MAX = 10_240;

type PolicySpec = NonNullable<ValidatingAdmissionPolicy["spec"]>;
type BindingSpec = NonNullable<ValidatingAdmissionPolicyBinding["spec"]>;
type Match = BindingSpec["matchResources"];

interface BoundPolicy {
  readonly name: string;
  readonly spec: PolicySpec;
  readonly selectors: Selectors;
  readonly bindings: readonly { readonly name: string; readonly spec: BindingSpec; readonly selectors: Selectors }[];
}

/** A rule that is broken, or could not be evaluated. */
interface Broken {
  readonly index: number;
  readonly message: string;
  readonly reason: string | undefined;
}

const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413, Invalid: 422 };

/** The policies that are bound, by name, with their bindings by name. */
function boundPolicies(view: View): readonly BoundPolicy[] {
  const bindings = view.list(BINDINGS).map((entry) => view.decode<ValidatingAdmissionPolicyBinding>(entry));
  return view.list(POLICIES).flatMap((entry) => {
    const { metadata, spec = {} } = view.decode<ValidatingAdmissionPolicy>(entry);
    const own = bindings.filter((binding) => binding.spec?.policyName === metadata.name);
    if (own.length === 0) return [];
    const bound = own.map((binding) => ({
      name: binding.metadata.name,
      spec: binding.spec ?? {},
      selectors: selectorsOf(binding.spec?.matchResources ?? {}),
    }));
    return [{ name: metadata.name, spec, selectors: selectorsOf(spec.matchConstraints ?? {}), bindings: bound }];
  });
}

/** As which kind the request matches; without rules everything does. */
async function matched(
  match: Match,
  selectors: Selectors,
  request: AdmissionRequest,
  { kindsOf }: DynamicAdmission,
  world: AdmissionWorld,
): Promise<Kind | undefined> {
  const { resourceRules, excludeResourceRules, matchPolicy } = match ?? {};
  if (!selectsObject(selectors, request)) return undefined;
  if (matchedKind(excludeResourceRules, matchPolicy, request, kindsOf) !== undefined) return undefined;
  const open = resourceRules === undefined || resourceRules.length === 0;
  const kind = open ? request.requested : matchedKind(resourceRules, matchPolicy, request, kindsOf);
  return kind !== undefined && (await selectsNamespace(selectors, request, world)) ? kind : undefined;
}

/** Evaluates one policy with one parameter: what is broken, and what an audit should keep. */
class Evaluation {
  readonly #spec: PolicySpec;
  readonly #expressions: Expressions;
  readonly #seen: Seen;
  readonly #values: Record<string, unknown>;
  readonly #budget = new CelBudget();
  readonly #variables = new Map<string, unknown>();

  constructor(spec: PolicySpec, expressions: Expressions, seen: Seen, param: KubeObject | null) {
    this.#spec = spec;
    this.#expressions = expressions;
    this.#seen = seen;
    this.#values = { params: celValue(undefined, param) };
  }

  /** The variables come one after the other, each seeing those before it; one that fails only fails those who name it. */
  async #prepare(): Promise<void> {
    const variables: Record<string, unknown> = {};
    for (const { name, expression } of this.#spec.variables ?? []) {
      try {
        variables[name] = await this.#evaluate(expression, { variables });
      } catch (error) {
        if (!(error instanceof CelFailure)) throw error;
        this.#variables.set(name, error.message);
      }
    }
    this.#values.variables = variables;
  }

  #evaluate(expression: string, more: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    for (const [name, message] of this.#variables) {
      if (new RegExp(`\\bvariables\\.${name}\\b`).test(expression)) {
        throw new CelFailure(`expression '${expression}' resulted in error: composited variable "${name}" fails to evaluate: ${message}`);
      }
    }
    return evaluated(expression, this.#expressions, this.#seen, { ...this.#values, ...more }, this.#budget);
  }

  async broken(annotate: (key: string, value: string) => void): Promise<readonly Broken[]> {
    const ignores = this.#spec.failurePolicy === "Ignore";
    const failed = (index: number, message: string): readonly Broken[] => (ignores ? [] : [{ index, message, reason: undefined }]);
    await this.#prepare();
    const conditions = conditionsOf(this.#spec.matchConditions, this.#spec.failurePolicy);
    const outcome = await outcomeOf(conditions, this.#expressions, this.#seen, this.#values);
    if (typeof outcome === "string") return failed(0, outcome);
    if (!outcome) return [];
    const broken: Broken[] = [];
    for (const [index, validation] of (this.#spec.validations ?? []).entries()) {
      try {
        if ((await this.#evaluate(validation.expression)) === true) continue;
        broken.push({ index, message: await this.#message(validation), reason: validation.reason ?? "Invalid" });
      } catch (error) {
        if (!(error instanceof CelFailure)) throw error;
        broken.push(...failed(index, error.message));
      }
    }
    for (const { key, valueExpression } of this.#spec.auditAnnotations ?? []) {
      try {
        const value = await this.#evaluate(valueExpression);
        if (typeof value === "string" && value.trim() !== "") annotate(key, value.trim().slice(0, ANNOTATION_BYTES_MAX));
      } catch (error) {
        if (!(error instanceof CelFailure)) throw error;
        broken.push(...failed(0, error.message));
      }
    }
    return broken;
  }

  async #message({ expression, message, messageExpression }: Validation): Promise<string> {
    if (messageExpression) {
      try {
        const said = await this.#evaluate(messageExpression);
        const text = typeof said === "string" ? said.trim() : "";
        if (text !== "" && !text.includes("\n") && Buffer.byteLength(text) <= MESSAGE_BYTES_MAX) return text;
      } catch (error) {
        if (!(error instanceof CelFailure)) throw error;
      }
    }
    return message ? message.trim() : `failed expression: ${expression.trim()}`;
  }
}

function denied(request: AdmissionRequest, message: string, reason: string | undefined): StatusError {
  const { status } = forbidden(request.requested, refusedName(request), message);
  const causes = [{ message }] as unknown as NonNullable<NonNullable<typeof status.details>["causes"]>;
  const said = reason ?? "Invalid";
  return new StatusError({ ...status, reason: said, code: CODES[said] ?? 422, details: { ...status.details, causes } });
}

/** What a request meets of all policies. The first that denies is the answer. */
class Judgement {
  readonly #request: AdmissionRequest;
  readonly #world: AdmissionWorld;
  readonly #dynamic: DynamicAdmission;
  readonly #failures: object[] = [];
  #denial: StatusError | undefined;

  constructor(request: AdmissionRequest, world: AdmissionWorld, dynamic: DynamicAdmission) {
    this.#request = request;
    this.#world = world;
    this.#dynamic = dynamic;
  }

  async pass(policies: readonly BoundPolicy[]): Promise<void> {
    for (const policy of policies) await this.#judge(policy);
    if (this.#failures.length > 0) {
      this.#request.options.annotate?.("validation.policy.admission.k8s.io/validation_failure", JSON.stringify(this.#failures));
    }
    if (this.#denial !== undefined) throw this.#denial;
  }

  #deny(policy: BoundPolicy, binding: string | undefined, message: string, reason?: string): void {
    const by = binding === undefined ? `'${policy.name}'` : `'${policy.name}' with binding '${binding}'`;
    this.#denial ??= denied(this.#request, `ValidatingAdmissionPolicy ${by} denied request: ${message}`, reason);
  }

  async #judge(policy: BoundPolicy): Promise<void> {
    const kind = await matched(policy.spec.matchConstraints, policy.selectors, this.#request, this.#dynamic, this.#world);
    if (kind === undefined) return;
    for (const binding of policy.bindings) {
      const bound = binding.spec.matchResources;
      if (bound !== undefined && (await matched(bound, binding.selectors, this.#request, this.#dynamic, this.#world)) === undefined)
        continue;
      await this.#judgeBound(policy, binding, kind);
    }
  }

  async #judgeBound(policy: BoundPolicy, { name, spec }: BoundPolicy["bindings"][number], kind: Kind): Promise<void> {
    const { expressions, kinds } = this.#dynamic;
    let params: readonly (KubeObject | null)[];
    try {
      params = await paramsFor(policy.spec.paramKind, spec.paramRef, this.#request, kinds, this.#world);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      if (policy.spec.failurePolicy !== "Ignore") this.#deny(policy, name, `failed to configure binding: ${error.message}`);
      return;
    }
    const namespace = this.#request.resource === "namespaces" ? undefined : await namespaceOf(this.#request, this.#world);
    const seen = seenBy(this.#request, kind, namespace, expressions);
    const { options } = this.#request;
    for (const param of params) {
      const evaluation = new Evaluation(policy.spec, expressions, seen, param);
      const broken = await evaluation.broken((key, value) => options.annotate?.(`${policy.name}/${key}`, value));
      for (const { index, message, reason } of broken) {
        const actions = spec.validationActions ?? [];
        if (actions.includes("Deny")) this.#deny(policy, name, message, reason);
        if (actions.includes("Warn")) {
          options.warn?.(`Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${name}': ${message}`);
        }
        if (actions.includes("Audit")) {
          this.#failures.push({ message, policy: policy.name, binding: name, expressionIndex: index, validationActions: actions });
        }
      }
    }
  }
}

export function validatingPolicies(dynamic: DynamicAdmission): AdmissionPlugin {
  let policies: readonly BoundPolicy[] | undefined;
  let view: View | undefined;
  const bound = (): readonly BoundPolicy[] => {
    policies ??= view === undefined ? [] : boundPolicies(view);
    return policies;
  };
  return {
    name: "ValidatingAdmissionPolicy",
    busy: () => bound().length > 0,
    prepare(world) {
      view = world.view;
      for (const resource of [POLICIES, BINDINGS]) {
        view.watch(resource, view.revision, () => {
          policies = undefined;
        });
      }
    },
    validate(request, world) {
      const all = bound();
      return all.length === 0 || isExempt(request) ? undefined : new Judgement(request, world, dynamic).pass(all);
    },
  };
}
