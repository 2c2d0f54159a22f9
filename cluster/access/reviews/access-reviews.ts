/** What somebody may do, asked as an object. Source: pkg/apis/authorization/validation, pkg/registry/authorization of Kubernetes 1.34. */
import { badRequest, invalid as invalidObject } from "../../../actors/kinds/errors.ts";
import { invalid } from "../../../actors/kinds/field-error.ts";
import type {
  LocalSubjectAccessReview,
  NonResourceRule,
  ResourceAttributes,
  ResourceRule,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  SubjectRulesReviewStatus,
} from "../../../actors/kinds/generated/types.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import type { FieldError } from "../../../actors/kinds/status.ts";
import type { Access } from "../access.ts";
import type { Attributes } from "../authorization/attributes.ts";
import { onResource } from "../authorization/attributes.ts";
import { aggregated } from "../authorization/escalation.ts";
import type { Identity } from "../identity.ts";
import { nodeOf } from "../identity.ts";

/** Kubernetes names no kind in these refusals. */
const NO_KIND = { group: "authorization.k8s.io", kind: "" };

type Spec = SubjectAccessReviewSpec;

/** What the asker themselves may do. */
export function reviewSelf(access: Access, asker: Identity, review: SelfSubjectAccessReview): Promise<SelfSubjectAccessReview> {
  refuse([...wrongWithSubject(review.spec), ...wrongWithMetadata(review, false)]);
  return answered(access, asker, review);
}

/** What somebody else may do. */
export function reviewSubject(access: Access, review: SubjectAccessReview): Promise<SubjectAccessReview> {
  refuse([...wrongWithSubject(review.spec), ...wrongWithUser(review.spec), ...wrongWithMetadata(review, false)]);
  return answered(access, subjectOf(review.spec), review);
}

/** What somebody else may do in the namespace of the review. */
export function reviewSubjectIn(access: Access, review: LocalSubjectAccessReview): Promise<LocalSubjectAccessReview> {
  const { spec, metadata } = review;
  const errors = [...wrongWithSubject(spec), ...wrongWithUser(spec), ...wrongWithMetadata(review, true)];
  if (spec.resourceAttributes !== undefined && (spec.resourceAttributes.namespace ?? "") !== (metadata.namespace ?? "")) {
    errors.push(invalid("spec.resourceAttributes.namespace", spec.resourceAttributes.namespace ?? "", "must match metadata.namespace"));
  }
  if (spec.nonResourceAttributes !== undefined)
    errors.push(invalid("spec.nonResourceAttributes", inGo(spec.nonResourceAttributes), "disallowed on this kind of request"));
  refuse(errors);
  return answered(access, subjectOf(spec), review);
}

/** All that the asker may do in a namespace, as far as rules say it. */
export async function reviewRules(access: Access, asker: Identity, review: SelfSubjectRulesReview): Promise<SelfSubjectRulesReview> {
  const namespace = review.spec.namespace ?? "";
  if (namespace === "") throw badRequest("no namespace on request");
  await access.newest();
  const { rules, errors } = access.roles.rulesFor(asker, namespace);
  const resourceRules: ResourceRule[] = [];
  const nonResourceRules: NonResourceRule[] = [];
  for (const { verbs, apiGroups, resources = [], resourceNames, nonResourceURLs = [] } of rules) {
    const names = resourceNames === undefined || resourceNames.length === 0 ? {} : { resourceNames };
    if (resources.length > 0) resourceRules.push({ verbs, ...(apiGroups === undefined ? {} : { apiGroups }), resources, ...names });
    if (nonResourceURLs.length > 0) nonResourceRules.push({ verbs, nonResourceURLs });
  }
  const isNode = nodeOf(asker) !== undefined;
  // What nodes may do hangs on their pods.
  const unsaid = isNode ? ["node authorizer does not support user rule resolution"] : [];
  const wrong = [...unsaid, ...(errors.length === 0 ? [] : [aggregated(errors)])];
  const status: SubjectRulesReviewStatus = {
    resourceRules,
    nonResourceRules,
    incomplete: isNode || errors.length > 0,
    ...(wrong.length === 0 ? {} : { evaluationError: aggregated(wrong) }),
  };
  return { metadata: {} as KubeObject["metadata"], spec: {}, status };
}

async function answered<T extends KubeObject & { readonly spec: Spec }>(access: Access, whose: Identity, review: T): Promise<T> {
  const asked = attributesOf(review.spec);
  let decision = await access.authorizer.authorize(whose, asked);
  if (!decision.allowed) {
    await access.newest();
    decision = await access.authorizer.authorize(whose, asked);
  }
  const { allowed, reason, denied } = decision;
  return { ...review, status: { allowed, ...(denied === undefined ? {} : { denied }), ...(reason === "" ? {} : { reason }) } };
}

function attributesOf({ resourceAttributes, nonResourceAttributes }: Spec): Attributes {
  if (resourceAttributes === undefined) {
    const { path = "", verb = "" } = nonResourceAttributes ?? {};
    return { type: "page", method: verb, path };
  }
  const { verb = "", group = "", resource = "", subresource = "", namespace = "", name = "" } = resourceAttributes;
  const query = selecting(resourceAttributes.fieldSelector);
  return onResource({ verb, group, resource, subresource, namespace, name, ...(query === undefined ? {} : { query }) });
}

/** The selector of a review as a request would have it. Of what is required only equality narrows what may be read. */
function selecting(selector: ResourceAttributes["fieldSelector"]): URLSearchParams | undefined {
  if (selector === undefined) return undefined;
  if (selector.rawSelector) return new URLSearchParams({ fieldSelector: selector.rawSelector });
  const equal = (selector.requirements ?? []).filter(({ operator, values = [] }) => operator === "In" && values.length === 1);
  return new URLSearchParams({ fieldSelector: equal.map(({ key, values = [] }) => `${key}=${values[0]}`).join(",") });
}

function subjectOf({ user = "", groups = [], uid, extra }: Spec): Identity {
  return { user, groups, ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) };
}

function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidObject(NO_KIND, "", errors);
}

function wrongWithSubject({ resourceAttributes, nonResourceAttributes }: Spec): FieldError[] {
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined)
    return [
      invalid("spec.nonResourceAttributes", inGo(nonResourceAttributes), "cannot be specified in combination with resourceAttributes"),
    ];
  if (resourceAttributes === undefined && nonResourceAttributes === undefined)
    return [invalid("spec.resourceAttributes", null, "exactly one of nonResourceAttributes or resourceAttributes must be specified")];
  return resourceAttributes === undefined ? [] : wrongWithSelectors(resourceAttributes);
}

/** A selector is said in one way, raw or taken apart. Source: validateResourceAttributes. */
function wrongWithSelectors({ fieldSelector, labelSelector }: ResourceAttributes): FieldError[] {
  const errors: FieldError[] = [];
  for (const [field, selector] of [
    ["fieldSelector", fieldSelector],
    ["labelSelector", labelSelector],
  ] as const) {
    if (selector === undefined) continue;
    const path = `spec.resourceAttributes.${field}`;
    const requirements = selector.requirements ?? [];
    if (selector.rawSelector && requirements.length > 0)
      errors.push(invalid(`${path}.rawSelector`, selector.rawSelector, "may not specified at the same time as requirements"));
    if (!selector.rawSelector && requirements.length === 0)
      errors.push({
        reason: "FieldValueRequired",
        field: `${path}.requirements`,
        message: `Required value: when ${path} is specified, requirements or rawSelector is required`,
      });
  }
  return errors;
}

function wrongWithUser({ user = "", groups = [] }: Spec): FieldError[] {
  return user === "" && groups.length === 0 ? [invalid("spec.user", "", "at least one of user or group must be specified")] : [];
}

function wrongWithMetadata({ metadata }: KubeObject, namespaced: boolean): FieldError[] {
  const { managedFields: _managers, namespace, ...rest } = metadata as Partial<KubeObject["metadata"]>;
  const extra = namespaced || namespace === undefined || namespace === "" ? rest : { ...rest, namespace };
  if (Object.values(extra).every((value) => value === undefined || value === "" || value === null)) return [];
  return [invalid("metadata", metadata, namespaced ? "must be empty except for namespace" : "must be empty")];
}

/** The fields of Kubernetes' internal type, which has no names for JSON. */
function inGo({ path = "", verb = "" }: { readonly path?: string; readonly verb?: string }): object {
  return { Path: path, Verb: verb };
}
