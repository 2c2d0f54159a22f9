import { defineKind } from "../define-kind.ts";
import { forbidden, invalid, notSupported, required, tooLong } from "../field-error.ts";
import { immutable } from "../field-rules.ts";
import type { CertificateSigningRequest, CertificateSigningRequestCondition, CertificateSigningRequestSpec } from "../generated/types.ts";
import type { Kind, PrepareContext } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsLabel, dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, humanDuration, NAME_COLUMN, NONE } from "../table.ts";
import { STATUS } from "../verbs.ts";

const PEM_TYPE = "CERTIFICATE REQUEST";
const DURATION_S_MIN = 600;
const SIGNER_BYTES_MAX: number = 253 + 1 + 253 + 63;
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

function validateRequest(request: string | undefined): FieldError[] {
  if (!request) return [required("spec.request")];
  const text = Buffer.from(request, "base64").toString();
  const block = /-----BEGIN ([^-]+)-----\s[A-Za-z0-9+/=\s]+-----END \1-----/.exec(text);
  return block?.[1] === PEM_TYPE ? [] : [invalid("spec.request", request, "PEM block type must be CERTIFICATE REQUEST")];
}

/** `example.com/path`, of which the path may have dots. Source: ValidateSignerName. */
function validateSigner(signer: string | undefined): FieldError[] {
  const field = "spec.signerName";
  if (!signer) return [required(field)];
  const parts = signer.split("/");
  if (parts.length !== 2)
    return [invalid(field, signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  const [domain = "", path = ""] = parts;
  const errors = domain.split(".").length < 2 ? ["should be a domain with at least two segments separated by dots"] : dnsSubdomain(domain);
  const segments = path.split(".").flatMap((segment) => dnsLabel(segment));
  const long = signer.length > SIGNER_BYTES_MAX ? [tooLong(field, SIGNER_BYTES_MAX)] : [];
  return [...[...errors, ...segments].map((message) => invalid(field, signer, message)), ...long];
}

function validate({ metadata, spec }: CertificateSigningRequest): FieldError[] {
  const { usages = [], expirationSeconds } = spec;
  const errors = [...validateObjectMeta(metadata, false, () => []), ...validateRequest(spec.request)];
  if (usages.length === 0) errors.push(required("spec.usages"));
  for (const [index, usage] of usages.entries()) {
    if (!USAGES.includes(usage)) errors.push(notSupported(`spec.usages[${index}]`, usage, USAGES));
    if (usages.indexOf(usage) < index) {
      errors.push({ reason: "FieldValueDuplicate", field: `spec.usages[${index}]`, message: `Duplicate value: ${JSON.stringify(usage)}` });
    }
  }
  errors.push(...validateSigner(spec.signerName));
  if (expirationSeconds !== undefined && expirationSeconds < DURATION_S_MIN) {
    errors.push(invalid("spec.expirationSeconds", expirationSeconds, "may not specify a duration less than 600 seconds (10 minutes)"));
  }
  return errors;
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

const APPROVALS: ReadonlySet<string> = new Set(["Approved", "Denied"]);
const DECIDED: ReadonlySet<string> = new Set(["Approved", "Denied", "Failed"]);

function approvals({ status }: CertificateSigningRequest): CertificateSigningRequestCondition[] {
  return (status?.conditions ?? []).filter(({ type }) => APPROVALS.has(type));
}

/** What was decided stays decided, and one way only. Source: validateConditions and ValidateCertificateSigningRequestApprovalUpdate. */
function validateApproval(next: CertificateSigningRequest, current: CertificateSigningRequest): FieldError[] {
  const field = "status.conditions";
  const conditions = next.status?.conditions ?? [];
  const errors: FieldError[] = [];
  for (const [index, { type, status }] of conditions.entries()) {
    const path = `${field}[${index}]`;
    const seen = (other: string): boolean => conditions.slice(0, index).some((one) => one.type === other);
    if (type === "") errors.push(required(`${path}.type`));
    if (DECIDED.has(type) && status !== "True") {
      errors.push(status === "" ? required(`${path}.status`) : notSupported(`${path}.status`, status, ["True"]));
    }
    const opposite = type === "Approved" ? "Denied" : type === "Denied" ? "Approved" : "";
    if (opposite !== "" && seen(opposite))
      errors.push(invalid(`${path}.type`, type, "Approved and Denied conditions are mutually exclusive"));
    if (seen(type))
      errors.push({ reason: "FieldValueDuplicate", field: `${path}.type`, message: `Duplicate value: ${JSON.stringify(type)}` });
  }
  const count = ({ status }: CertificateSigningRequest, type: string): number =>
    status?.conditions?.filter((condition) => condition.type === type).length ?? 0;
  for (const type of DECIDED) {
    if (count(next, type) < count(current, type))
      errors.push(forbidden(field, `updates may not remove a condition of type ${JSON.stringify(type)}`));
  }
  return errors;
}

function ofOthers({ status }: CertificateSigningRequest): CertificateSigningRequestCondition[] {
  return (status?.conditions ?? []).filter(({ type }) => !APPROVALS.has(type));
}

/** A condition with its times: of the update now, of the transition as long as it is the same. */
function timed(
  condition: CertificateSigningRequestCondition,
  current: CertificateSigningRequest,
  now_ms: number,
): CertificateSigningRequestCondition {
  const before = current.status?.conditions?.find(({ type }) => type === condition.type);
  const now = new Date(now_ms).toISOString().replace(/\.\d+Z$/, "Z");
  const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : condition.lastTransitionTime;
  return { ...condition, lastUpdateTime: condition.lastUpdateTime || now, lastTransitionTime: lastTransitionTime || now };
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
  // Who approves says nothing of the certificate, and who issues it nothing of the approval.
  prepareForApproval: (next, current, { now_ms }) => {
    const { certificate: _sent, ...status } = next.status ?? {};
    const conditions = [...ofOthers(current), ...approvals(next)].map((condition) => timed(condition, current, now_ms));
    const certificate = current.status?.certificate;
    next.status = { ...status, ...(certificate === undefined ? {} : { certificate }), conditions };
  },
  prepareForStatusUpdate: (next, current, { now_ms }) => {
    const conditions = [...approvals(current), ...ofOthers(next)].map((condition) => timed(condition, current, now_ms));
    next.status = conditions.length === 0 ? { ...next.status } : { ...next.status, conditions };
  },
  validate,
  validateApproval,
  validateUpdate: (next, current) => immutable(next.spec, current.spec, "spec"),
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
