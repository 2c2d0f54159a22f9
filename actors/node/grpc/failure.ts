/** By their numbers, as Go says them and Kubernetes with it. Source: gRPC's status codes. */
const CODES = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
] as const;

export type GrpcCode = (typeof CODES)[number];

/** A call that failed, with what the other side says of it or what became of the connection. */
export class GrpcFailure extends Error {
  override readonly name = "GrpcFailure";
  readonly code: GrpcCode;
  /** What the other side says, without the code. */
  readonly description: string;

  constructor(number: number, description: string) {
    const code = CODES[number] ?? "Unknown";
    super(`rpc error: code = ${code} desc = ${description}`);
    this.code = code;
    this.description = description;
  }
}
