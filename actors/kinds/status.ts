/** One thing wrong with one field, with Kubernetes' words. Source: apimachinery's field.Error. */
export interface FieldError {
  readonly reason:
    | "FieldValueNotFound"
    | "FieldValueRequired"
    | "FieldValueDuplicate"
    | "FieldValueInvalid"
    | "FieldValueNotSupported"
    | "FieldValueForbidden"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
    | "FieldValueTypeInvalid"
    | "InternalError";
  /** The path: `spec.containers[0].name`. */
  readonly field: string;
  /** Complete, as Kubernetes prints it in `causes[].message`: `Required value`, `Invalid value: -1: must be greater than or equal to 0`. */
  readonly message: string;
}

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** `metav1.Status` of a failure: the body of every error answer. */
export interface Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: object;
  readonly status: "Failure" | "Success";
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

/** A refusal that a client sees. Thrown by the registry, printed by the doors; made by the functions in `errors.ts` only. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: Status;
  constructor(status: Status) {
    super(status.message ?? status.reason ?? "unknown");
    this.status = status;
  }
}
