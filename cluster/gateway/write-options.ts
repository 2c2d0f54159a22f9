import { badRequest, invalid as invalidObject } from "../../actors/kinds/errors.ts";
import { forbidden, invalid, notSupported, required } from "../../actors/kinds/field-error.ts";
import type { FieldError } from "../../actors/kinds/status.ts";
import type { DeleteOptions, Requester, WriteOptions } from "../../actors/registry/registry.ts";
import { isTrue } from "./route.ts";

/** The longest field manager. Source: metav1's FieldManagerMaxLength. */
const FIELD_MANAGER_CHARS_MAX = 128;
/** Who writes when neither the query nor the User-Agent says it. */
const UNKNOWN_MANAGER = "unknown";

type FieldValidation = NonNullable<WriteOptions["fieldValidation"]>;
const FIELD_VALIDATIONS: readonly FieldValidation[] = ["Ignore", "Strict", "Warn"];
type Propagation = NonNullable<DeleteOptions["propagationPolicy"]>;
const PROPAGATIONS: readonly Propagation[] = ["Foreground", "Background", "Orphan"];

/** The kinds of options that Kubernetes names in its refusals. */
export type OptionsKind = "CreateOptions" | "UpdateOptions" | "PatchOptions" | "DeleteOptions";

/** Who writes, and by which program. */
export interface Writer {
  readonly userAgent: string | undefined;
  readonly requester: Requester;
  readonly warn: (text: string) => void;
  /** Adds to the record of the request, where there is one. */
  readonly annotate?: (key: string, value: string) => void;
}

export interface CheckedOptions extends WriteOptions {
  readonly requester: Requester;
  readonly warn: (text: string) => void;
  readonly fieldManager: string;
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
}

function asker({ requester, warn, annotate }: Writer): Pick<CheckedOptions, "requester" | "warn" | "annotate"> {
  return annotate === undefined ? { requester, warn } : { requester, warn, annotate };
}

/** The parameters that all writes share. Throws 422 for what makes no sense. */
export function writeOptions(query: URLSearchParams, writer: Writer, kind: OptionsKind): CheckedOptions {
  if (query.size === 0) return { ...asker(writer), fieldManager: managerOf(writer.userAgent), dryRun: false, fieldValidation: "Warn" };
  const errors: FieldError[] = [];
  const dryRun = query.getAll("dryRun").filter((value) => value !== "");
  checkDryRun(dryRun, errors);
  const manager = query.get("fieldManager") ?? "";
  if (manager.length > FIELD_MANAGER_CHARS_MAX) {
    errors.push({
      reason: "FieldValueTooLong",
      field: "fieldManager",
      message: `Too long: may not be more than ${FIELD_MANAGER_CHARS_MAX} bytes`,
    });
  }
  const asked = query.get("fieldValidation") ?? "";
  const fieldValidation = FIELD_VALIDATIONS.find((value) => value === asked);
  if (asked !== "" && fieldValidation === undefined) errors.push(notSupported("fieldValidation", asked, FIELD_VALIDATIONS));
  if (errors.length > 0) throw invalidObject({ group: "meta.k8s.io", kind }, "", errors);
  return {
    ...asker(writer),
    fieldManager: manager === "" ? managerOf(writer.userAgent) : manager,
    dryRun: dryRun.length > 0,
    fieldValidation: fieldValidation ?? "Warn",
  };
}

/** The parameters of a patch that is no apply: it cannot be forced. */
export function patchOptions(query: URLSearchParams, writer: Writer): CheckedOptions {
  if (query.has("force")) throw invalidPatchOptions(forbidden("force", "may not be specified for non-apply patch"));
  return writeOptions(query, writer, "PatchOptions");
}

/** The parameters of an apply: who applies must be named. */
export function applyOptions(query: URLSearchParams, writer: Writer): CheckedOptions & { readonly force: boolean } {
  const options = writeOptions(query, writer, "PatchOptions");
  if ((query.get("fieldManager") ?? "") === "") throw invalidPatchOptions(required("fieldManager", "is required for apply patch"));
  return { ...options, force: query.has("force") && isTrue(query.get("force") ?? "") };
}

function invalidPatchOptions(error: FieldError): Error {
  return invalidObject({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [error]);
}

function checkDryRun(values: readonly string[], errors: FieldError[]): void {
  if (values.some((value) => value !== "All")) errors.push(notSupported("dryRun", values, ["All"]));
}

/** `kubectl` of `kubectl/v1.35.0 (linux/amd64)`. Source: apiserver's managerOrUserAgent. */
function managerOf(userAgent: string | undefined): string {
  if (userAgent === undefined || userAgent === "") return UNKNOWN_MANAGER;
  const slash = userAgent.indexOf("/");
  return (slash < 0 ? userAgent : userAgent.slice(0, slash)).slice(0, FIELD_MANAGER_CHARS_MAX);
}

export interface CheckedDeleteOptions extends DeleteOptions {
  readonly requester: Requester;
  readonly warn: (text: string) => void;
  /** The old parameter was used and said false: such a deletion that is not done at once answers 202. */
  readonly backgroundByOldName: boolean;
}

/** The options of a deletion: from the body where there is one, else from the query. `body` is parsed JSON; undefined: none. */
export function deleteOptions(query: URLSearchParams, writer: Writer, body: unknown): CheckedDeleteOptions {
  const { fieldManager, dryRun: dryByQuery } = writeOptions(query, writer, "DeleteOptions");
  const given = body === undefined ? fromQuery(query) : fromBody(body);
  const errors: FieldError[] = [];
  checkDryRun(given.dryRun, errors);
  if (given.policy !== undefined && given.orphan !== undefined) {
    errors.push(invalid("propagationPolicy", given.policy, "orphanDependents and deletionPropagation cannot be both set"));
  }
  const policy = PROPAGATIONS.find((value) => value === given.policy);
  if (given.policy !== undefined && policy === undefined)
    errors.push(notSupported("propagationPolicy", given.policy, [...PROPAGATIONS, ""]));
  if (errors.length > 0) throw invalidObject({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", errors);
  const propagationPolicy = policy ?? (given.orphan === undefined ? undefined : given.orphan ? "Orphan" : "Background");
  return {
    ...asker(writer),
    fieldManager,
    dryRun: dryByQuery || given.dryRun.length > 0,
    ...(given.grace_s === undefined ? {} : { gracePeriodSeconds: given.grace_s }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(given.preconditions === undefined ? {} : { preconditions: given.preconditions }),
    backgroundByOldName: given.orphan === false,
  };
}

interface GivenDeleteOptions {
  readonly grace_s: number | undefined;
  readonly policy: string | undefined;
  readonly orphan: boolean | undefined;
  readonly dryRun: readonly string[];
  readonly preconditions: DeleteOptions["preconditions"];
}

function fromQuery(query: URLSearchParams): GivenDeleteOptions {
  const grace = query.get("gracePeriodSeconds") ?? "";
  if (grace !== "" && !/^-?[0-9]+$/.test(grace)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(grace)}: invalid syntax`);
  const orphan = query.get("orphanDependents");
  return {
    grace_s: grace === "" ? undefined : Number(grace),
    policy: query.get("propagationPolicy") || undefined,
    orphan: orphan === null || orphan === "" ? undefined : isTrue(orphan),
    dryRun: [],
    preconditions: undefined,
  };
}

function fromBody(body: unknown): GivenDeleteOptions {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw badRequest("couldn't get version/kind; the body is no DeleteOptions");
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, dryRun, preconditions } = body as Record<string, unknown>;
  return {
    grace_s: typed("gracePeriodSeconds", gracePeriodSeconds, isWhole, "number"),
    policy: typed("propagationPolicy", propagationPolicy, isString, "string") || undefined,
    orphan: typed("orphanDependents", orphanDependents, isBoolean, "bool"),
    dryRun: typed("dryRun", dryRun, isStrings, "array") ?? [],
    preconditions: preconditionsOf(preconditions),
  };
}

function preconditionsOf(value: unknown): DeleteOptions["preconditions"] {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object") throw wrongType("preconditions", "object");
  const { uid, resourceVersion } = value as Record<string, unknown>;
  const wantedUid = typed("preconditions.uid", uid, isString, "string");
  const wantedVersion = typed("preconditions.resourceVersion", resourceVersion, isString, "string");
  return {
    ...(wantedUid === undefined ? {} : { uid: wantedUid }),
    ...(wantedVersion === undefined ? {} : { resourceVersion: wantedVersion }),
  };
}

const isString = (value: unknown): value is string => typeof value === "string";
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isWhole = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value);
const isStrings = (value: unknown): value is string[] => Array.isArray(value) && value.every(isString);

function typed<T>(field: string, value: unknown, is: (value: unknown) => value is T, type: string): T | undefined {
  if (value === undefined || value === null) return undefined;
  if (!is(value)) throw wrongType(field, type);
  return value;
}

function wrongType(field: string, type: string): Error {
  return badRequest(`DeleteOptions cannot be handled: field ${field} must be of type ${type}`);
}
