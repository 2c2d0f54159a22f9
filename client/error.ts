/** `metav1.Status`: what the API says of what it refuses. */
export interface Status {
  readonly kind: "Status";
  /** For people. */
  readonly message?: string;
  /** For programs: `NotFound`, `Conflict`, `Invalid`. */
  readonly reason?: string;
  readonly details?: { readonly causes?: readonly { readonly reason: string; readonly message: string; readonly field?: string }[] };
  readonly code: number;
}

/** A refusal, with the Status that says why. */
export class TroupeError extends Error {
  override readonly name = "TroupeError";
  readonly status: Status;

  constructor(status: Status) {
    super(status.message ?? status.reason ?? `error ${status.code}`);
    this.status = status;
  }

  /** As HTTP numbers it: 404, 409, 422. */
  get code(): number {
    return this.status.code;
  }

  /** One word: `NotFound`, `Conflict`, `Invalid`. */
  get reason(): string {
    return this.status.reason ?? "";
  }
}
