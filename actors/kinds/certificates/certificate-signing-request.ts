import { defineKind } from "../define-kind.ts";
import { duplicate, forbidden, invalid, required, tooLong } from "../field-error.ts";
import { oneOf, requiredOneOf } from "../field-rules.ts";
import type { CertificateSigningRequest, CertificateSigningRequestCondition, CertificateSigningRequestSpec } from "../generated/types.ts";
import type { Kind, PrepareContext } from "../kind.ts";
import { DNS_SUBDOMAIN_BYTES_MAX, dnsLabel, dnsSubdomain, type NameRule, pathSegment } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, humanDuration, NAME_COLUMN, NONE } from "../table.ts";
import { STATUS } from "../verbs.ts";

const DURATION_S_MIN = 600;
const SIGNER_BYTES_MAX: number = 253 + 1 + 253 + 63 + 1;
const LEGACY_SIGNER = "kubernetes.io/legacy-unknown";
/** Source: certificates.allValidUsages. */
const USAGES: readonly string[] = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];

const PEM_BLOCK = /-----BEGIN ([^-]+)-----\s[A-Za-z0-9+/=\s]+-----END \1-----/g;

/** The types of the blocks of a PEM text, which comes in base64. */
function blocksOf(base64: string): string[] {
  const text = Buffer.from(base64, "base64").toString();
  return [...text.matchAll(PEM_BLOCK)].map(([, type = ""]) => type);
}

function validateRequest(request: string | undefined): FieldError[] {
  const [type] = blocksOf(request ?? "");
  return type === "CERTIFICATE REQUEST" ? [] : [invalid("spec.request", request || null, "PEM block type must be CERTIFICATE REQUEST")];
}

/** Source: validateCertificate. */
function validateCertificate(certificate: string | undefined): FieldError[] {
  if (!certificate) return [];
  const types = blocksOf(certificate);
  const other = types.find((type) => type !== "CERTIFICATE");
  if (types.length > 0 && other === undefined) return [];
  const words = "must contain at least one CERTIFICATE PEM block";
  const wrong = other === undefined ? words : `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(other)}`;
  return [invalid("status.certificate", "<certificate data>", wrong)];
}

/** The first label that is wrong, which is enough. */
function validateLabels(text: string, rule: NameRule, field: string): FieldError[] {
  for (const label of text.split(".")) {
    const wrong = rule(label).map((words) => invalid(field, text, `validating label ${JSON.stringify(label)}: ${words}`));
    if (wrong.length > 0) return wrong;
  }
  return [];
}

/** `example.com/path`, of which the path may have dots. Source: ValidateSignerName. */
function validateSigner(signer: string | undefined): FieldError[] {
  const field = "spec.signerName";
  if (!signer) return [required(field)];
  if (signer === LEGACY_SIGNER) return [invalid(field, signer, "the legacy signerName is not allowed via this API version")];
  const [domain = "", path, ...more] = signer.split("/");
  if (path === undefined || more.length > 0)
    return [invalid(field, signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  const short = domain.includes(".") ? [] : [invalid(field, domain, "should be a domain with at least two segments separated by dots")];
  return [
    ...(domain.length > DNS_SUBDOMAIN_BYTES_MAX ? [tooLong(field, DNS_SUBDOMAIN_BYTES_MAX)] : []),
    ...validateLabels(domain, dnsLabel, field),
    ...short,
    ...validateLabels(path, dnsSubdomain, field),
    ...(signer.length > SIGNER_BYTES_MAX ? [tooLong(field, SIGNER_BYTES_MAX)] : []),
  ];
}

function validateSpec({ request, usages = [], signerName, expirationSeconds }: CertificateSigningRequestSpec): FieldError[] {
  const field = "spec.usages";
  const errors = validateRequest(request);
  if (usages.length === 0) errors.push(required(field));
  errors.push(...usages.flatMap((usage, index) => oneOf(usage, USAGES, `${field}[${index}]`)));
  errors.push(...usages.flatMap((usage, index) => (usages.indexOf(usage) < index ? [duplicate(`${field}[${index}]`, usage)] : [])));
  errors.push(...validateSigner(signerName));
  if (expirationSeconds === undefined || expirationSeconds >= DURATION_S_MIN) return errors;
  const words = "may not specify a duration less than 600 seconds (10 minutes)";
  return [...errors, invalid("spec.expirationSeconds", expirationSeconds, words)];
}

type Condition = CertificateSigningRequestCondition;

const CONDITIONS = "status.conditions";
const APPROVALS: readonly string[] = ["Approved", "Denied"];
/** Conditions that are there when they hold, and not else. */
const DECIDED: readonly string[] = [...APPROVALS, "Failed"];
const STATUSES: readonly string[] = ["False", "True", "Unknown"];

function conditionsOf({ status }: CertificateSigningRequest, type?: string): Condition[] {
  const conditions = status?.conditions ?? [];
  return type === undefined ? conditions : conditions.filter((condition) => condition.type === type);
}

/** Source: validateConditions. */
function validateConditions(conditions: readonly Condition[]): FieldError[] {
  return conditions.flatMap(({ type = "", status = "" }, index) => {
    const path = `${CONDITIONS}[${index}]`;
    const before = new Set(conditions.slice(0, index).map((condition) => condition.type));
    const opposite = APPROVALS.includes(type) ? APPROVALS.find((other) => other !== type) : undefined;
    const errors = type === "" ? [required(`${path}.type`)] : [];
    errors.push(...requiredOneOf(status, DECIDED.includes(type) ? ["True"] : STATUSES, `${path}.status`));
    if (opposite !== undefined && before.has(opposite)) {
      errors.push(invalid(CONDITIONS, type, "Approved and Denied conditions are mutually exclusive"));
    }
    return before.has(type) ? [...errors, duplicate(`${path}.type`, type)] : errors;
  });
}

/** What was wrong before and is as it was may stay. Source: validateCertificateSigningRequest. */
function validate(request: CertificateSigningRequest, current?: CertificateSigningRequest): FieldError[] {
  const certificate = request.status?.certificate;
  return [
    ...validateSpec(request.spec),
    ...validateConditions(conditionsOf(request)),
    ...(certificate === current?.status?.certificate ? [] : validateCertificate(certificate)),
  ];
}

/** What was decided stays decided. */
function validateDecided(next: CertificateSigningRequest, current: CertificateSigningRequest): FieldError[] {
  const gone = DECIDED.filter((type) => conditionsOf(next, type).length < conditionsOf(current, type).length);
  return gone.map((type) => forbidden(CONDITIONS, `updates may not remove a condition of type ${JSON.stringify(type)}`));
}

/** Who approves says nothing of the certificate. Source: ValidateCertificateSigningRequestApprovalUpdate. */
function validateApproval(next: CertificateSigningRequest, current: CertificateSigningRequest): FieldError[] {
  return [...validate(next, current), ...validateDecided(next, current)];
}

/** Who issues says nothing of the approval. Source: ValidateCertificateSigningRequestStatusUpdate. */
function validateStatus(next: CertificateSigningRequest, current: CertificateSigningRequest): FieldError[] {
  const added = APPROVALS.filter((type) => conditionsOf(next, type).length > conditionsOf(current, type).length);
  const { certificate } = current.status ?? {};
  const changed = certificate !== undefined && certificate !== next.status?.certificate;
  return [
    ...validateApproval(next, current),
    ...added.map((type) => forbidden(CONDITIONS, `updates may not add a condition of type ${JSON.stringify(type)}`)),
    ...(changed ? [forbidden("status.certificate", "updates may not modify existing certificate content")] : []),
  ];
}

/** `Approved,Issued`; the state that nobody has decided is Pending. Source: extractCSRStatus. */
function conditionOf({ status }: CertificateSigningRequest): string {
  const has = (type: string): boolean => status?.conditions?.some((condition) => condition.type === type) === true;
  const decided = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  const failed = has("Failed") ? ",Failed" : "";
  return `${decided}${failed}${status?.certificate ? ",Issued" : ""}`;
}

function requestedBy({ user, groups, uid, extra }: NonNullable<PrepareContext["requester"]>): Partial<CertificateSigningRequestSpec> {
  return {
    username: user,
    groups: [...groups],
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
  };
}

/** Approvals that are as many as they were are what they were. Source: preserveConditionInstances. */
function withApprovalsOf(current: CertificateSigningRequest, conditions: readonly Condition[]): Condition[] {
  const kept = [...conditions];
  for (const type of APPROVALS) {
    const before = conditionsOf(current, type);
    const places = [...kept.keys()].filter((index) => kept[index]?.type === type);
    if (places.length !== before.length) continue;
    for (const [at, place] of places.entries()) kept[place] = before[at] as Condition;
  }
  return kept;
}

/** A condition with its times: of the update now, of the transition as long as it is the same. Source: populateConditionTimestamps. */
function timed(condition: Condition, current: CertificateSigningRequest, now_ms: number): Condition {
  const same = conditionsOf(current, condition.type).find(
    ({ status, lastTransitionTime }) => status === condition.status && lastTransitionTime,
  );
  const now = new Date(now_ms).toISOString().replace(/\.\d+Z$/, "Z");
  return {
    ...condition,
    lastUpdateTime: condition.lastUpdateTime || now,
    lastTransitionTime: condition.lastTransitionTime || same?.lastTransitionTime || now,
  };
}

export const CertificateSigningRequestKind: Kind<CertificateSigningRequest> = defineKind<CertificateSigningRequest>({
  group: "certificates.k8s.io",
  kind: "CertificateSigningRequest",
  plural: "certificatesigningrequests",
  shortNames: ["csr"],
  namespaced: false,
  subresources: [{ name: "approval", verbs: ["get", "patch", "update"] }, STATUS],
  // Who asks is who asked: nobody says it for them.
  prepareForCreate: (request, { requester }) => {
    const { request: pem, signerName, usages, expirationSeconds } = request.spec;
    request.spec = {
      request: pem,
      signerName,
      ...(usages === undefined ? {} : { usages }),
      ...(expirationSeconds === undefined ? {} : { expirationSeconds }),
      ...(requester === undefined ? {} : requestedBy(requester)),
    };
    request.status = {};
  },
  // Neither what is asked for nor the answer changes by this door. Source: csrStrategy.
  prepareForUpdate: (next, current) => {
    next.spec = current.spec;
    next.status = current.status ?? {};
  },
  prepareForApproval: (next, current, { now_ms }) => {
    const conditions = conditionsOf(next).map((condition) => timed(condition, current, now_ms));
    next.status = { ...current.status, conditions };
  },
  prepareForStatusUpdate: (next, current, { now_ms }) => {
    const conditions = withApprovalsOf(current, conditionsOf(next)).map((condition) => timed(condition, current, now_ms));
    next.status = conditions.length === 0 ? { ...next.status } : { ...next.status, conditions };
  },
  updateChecks: ["whole", "metadata"],
  nameRule: pathSegment,
  validate,
  validateApproval,
  validateStatus,
  columns: [
    NAME_COLUMN,
    AGE_COLUMN,
    column("SignerName", "Who is asked to sign"),
    column("Requestor", "Who asks"),
    column("RequestedDuration", "How long it should hold"),
    column("Condition", "What was decided, and whether it was issued"),
  ],
  cells: (request, now_ms) => {
    const seconds = request.spec.expirationSeconds;
    return [
      request.metadata.name,
      ageOf(request, now_ms),
      request.spec.signerName || NONE,
      request.spec.username ?? "",
      seconds === undefined ? NONE : humanDuration(seconds * 1_000),
      conditionOf(request),
    ];
  },
  selectableFields: { "spec.signerName": ({ spec }) => spec.signerName },
});
