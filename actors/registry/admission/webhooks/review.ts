/** The question and the answer: AdmissionReview of admission.k8s.io, in both versions. Source: apiserver's plugin/webhook/request/admissionreview.go. */
import type { Kind } from "../../../kinds/kind.ts";
import { type StatusCause, type StatusDetails, StatusError } from "../../../kinds/status.ts";
import { askerOf } from "../../authors.ts";
import type { AdmissionRequest } from "../admission.ts";
import { OPERATIONS, placeOf } from "../matching.ts";
import { servedForm, spokenKind } from "../served-form.ts";
import { WebhookFailure } from "./webhook-client.ts";

/** The versions of a review. The older one says the same, and less of its answers is checked. */
const REVIEW_VERSIONS = ["v1", "v1beta1"] as const;
export type ReviewVersion = (typeof REVIEW_VERSIONS)[number];

/** The first that a webhook takes; undefined where it takes none. */
export function reviewVersionOf(taken: readonly string[]): ReviewVersion | undefined {
  return taken.map((version) => REVIEW_VERSIONS.find((known) => known === version)).find((version) => version !== undefined);
}

function apiVersionOf(version: ReviewVersion): string {
  return `admission.k8s.io/${version}`;
}

const OPTIONS = { create: "CreateOptions", update: "UpdateOptions", delete: "DeleteOptions" } as const;

/** The options of a request as the API prints them; null where there are none. */
export function optionsOf({ operation, options }: AdmissionRequest): object | null {
  if (operation === "connect") return null;
  const { fieldManager, fieldValidation, dryRun, gracePeriodSeconds, propagationPolicy, preconditions } = {
    gracePeriodSeconds: undefined,
    propagationPolicy: undefined,
    preconditions: undefined,
    ...options,
  };
  const common = { kind: OPTIONS[operation], apiVersion: "meta.k8s.io/v1", ...(dryRun === true ? { dryRun: ["All"] } : {}) };
  if (operation === "delete") {
    return {
      ...common,
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
      ...(preconditions === undefined ? {} : { preconditions }),
    };
  }
  return {
    ...common,
    ...(fieldManager === undefined ? {} : { fieldManager }),
    ...(fieldValidation === undefined ? {} : { fieldValidation }),
  };
}

/** The `request` of a review: also what expressions see under that name. `kind` is the one as which the rule names it. */
export function reviewRequest(uid: string, request: AdmissionRequest, kind: Kind): Record<string, unknown> {
  const { requested, subresource, operation, options, current } = request;
  const { user, groups, uid: userUid, extra } = askerOf(options, current ?? request.object);
  const spoken = spokenKind(request, kind);
  const asked = spokenKind(request, requested);
  return {
    uid,
    kind: { group: spoken.group, version: spoken.version, kind: spoken.kind },
    resource: { group: kind.group, version: kind.version, resource: kind.plural },
    ...(subresource === undefined ? {} : { subResource: subresource }),
    requestKind: { group: asked.group, version: asked.version, kind: asked.kind },
    requestResource: { group: requested.group, version: requested.version, resource: requested.plural },
    ...(subresource === undefined ? {} : { requestSubResource: subresource }),
    ...(request.name === "" ? {} : { name: request.name }),
    ...(placeOf(request) === "" ? {} : { namespace: placeOf(request) }),
    operation: OPERATIONS[operation],
    userInfo: {
      username: user,
      ...(userUid === undefined ? {} : { uid: userUid }),
      groups,
      ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
    },
    object: operation === "delete" ? null : servedForm(request, kind, request.object),
    oldObject: operation === "create" || current === undefined ? null : servedForm(request, kind, current),
    dryRun: options.dryRun === true,
    options: optionsOf(request),
  };
}

export function reviewOf(version: ReviewVersion, uid: string, request: AdmissionRequest, kind: Kind): string {
  return JSON.stringify({ kind: "AdmissionReview", apiVersion: apiVersionOf(version), request: reviewRequest(uid, request, kind) });
}

/** What a webhook has to say, checked. */
export interface Verdict {
  readonly allowed: boolean;
  /** A JSON patch, decoded; undefined when there is nothing to change. */
  readonly patch: readonly unknown[] | undefined;
  readonly result: Record<string, unknown>;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

function invalid(why: string): WebhookFailure {
  return new WebhookFailure(`received invalid webhook response: ${why}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `admission.k8s.io/v1, Kind=AdmissionReview` */
function spelled(apiVersion: unknown, kind: unknown): string {
  const version = String(apiVersion ?? "");
  return `${version.includes("/") || version === "" ? version || "/" : `/${version}`}, Kind=${String(kind ?? "")}`;
}

/** Reads an answer. Throws WebhookFailure when it is none. */
export function verdictOf(version: ReviewVersion, uid: string, mutating: boolean, review: unknown): Verdict {
  if (!isRecord(review) || !isRecord(review.response)) throw invalid("webhook response was absent");
  const { response } = review;
  const said = typeof response.patch === "string" && response.patch !== "" ? response.patch : undefined;
  if (version === "v1") checkAnswer(review, response, uid, said, mutating);
  const patch = mutating ? said : undefined;
  return {
    allowed: response.allowed === true,
    // A refusal is one whatever else it says.
    patch:
      patch === undefined || response.allowed !== true
        ? undefined
        : decodedPatch(patch, version === "v1" ? response.patchType : JSON_PATCH),
    result: isRecord(response.status) ? response.status : {},
    warnings: Array.isArray(response.warnings) ? response.warnings.filter((one) => typeof one === "string") : [],
    auditAnnotations: isRecord(response.auditAnnotations)
      ? Object.fromEntries(Object.entries(response.auditAnnotations).map(([key, value]) => [key, String(value)]))
      : {},
  };
}

const JSON_PATCH = "JSONPatch";

/** That it answers what was asked, as it was asked. */
function checkAnswer(
  review: Record<string, unknown>,
  response: Record<string, unknown>,
  uid: string,
  patch: string | undefined,
  mutating: boolean,
): void {
  if (response.uid !== uid)
    throw invalid(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(String(response.uid ?? ""))}`);
  const apiVersion = apiVersionOf("v1");
  if (review.apiVersion !== apiVersion || review.kind !== "AdmissionReview") {
    const expected = spelled(apiVersion, "AdmissionReview");
    throw invalid(`expected webhook response of ${expected}, got ${spelled(review.apiVersion, review.kind)}`);
  }
  const { patchType } = response;
  if (!mutating) {
    if (patch !== undefined) throw invalid("validating webhook may not return response.patch");
    if (patchType !== undefined && patchType !== null) throw invalid("validating webhook may not return response.patchType");
  } else {
    if (patch !== undefined && (patchType === undefined || patchType === null)) {
      throw invalid("webhook returned response.patch but not response.patchType");
    }
    if (patch === undefined && patchType !== undefined && patchType !== null) {
      throw invalid("webhook returned response.patchType but not response.patch");
    }
    if (patchType === "") throw invalid('webhook returned invalid response.patchType of ""');
  }
}

function decodedPatch(patch: string, patchType: unknown): readonly unknown[] {
  if (patchType !== JSON_PATCH) throw new WebhookFailure(`unsupported patch type ${JSON.stringify(patchType)}`);
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(patch, "base64").toString("utf8"));
  } catch (error) {
    throw new WebhookFailure(`received undecodable patch in webhook response: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!Array.isArray(decoded)) {
    const words = "json: cannot unmarshal object into Go value of type jsonpatch.Patch";
    throw new WebhookFailure(`received undecodable patch in webhook response: ${words}`);
  }
  return decoded;
}

const BAD_REQUEST = 400;

/** The refusal of a webhook, in its own words where it has some. Source: plugin/webhook/errors/statuserror.go. */
export function denial(name: string, { result }: Verdict): StatusError {
  const deniedBy = `admission webhook ${JSON.stringify(name)} denied the request`;
  const given = (key: string): string => (typeof result[key] === "string" ? (result[key] as string) : "");
  const code = typeof result.code === "number" && result.code >= BAD_REQUEST && result.code < 600 ? result.code : BAD_REQUEST;
  const why = given("message") || given("reason");
  return new StatusError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: why === "" ? `${deniedBy} without explanation` : `${deniedBy}: ${why}`,
    ...(given("reason") === "" ? {} : { reason: given("reason") }),
    ...(isRecord(result.details) ? { details: detailsOf(result.details) } : {}),
    code,
  });
}

/** What a stranger says of the details, as far as it is of the right types. */
function detailsOf(given: Record<string, unknown>): StatusDetails {
  const texts = ["name", "group", "kind", "uid"].filter((key) => typeof given[key] === "string");
  const { causes, retryAfterSeconds } = given;
  return {
    ...Object.fromEntries(texts.map((key) => [key, given[key]])),
    ...(Array.isArray(causes) ? { causes: causes.filter(isRecord) as unknown as readonly StatusCause[] } : {}),
    ...(typeof retryAfterSeconds === "number" ? { retryAfterSeconds } : {}),
  };
}
