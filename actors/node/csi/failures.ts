import { type GrpcCode, GrpcFailure } from "../grpc/failure.ts";

const NOT_FINAL: readonly GrpcCode[] = ["Canceled", "DeadlineExceeded", "Unavailable", "ResourceExhausted", "Aborted"];
const INFEASIBLE: readonly GrpcCode[] = ["InvalidArgument", "OutOfRange", "NotFound"];

/** Nothing of the call is under way any more. Source: isFinalError. */
export function isFinal(error: unknown): boolean {
  return error instanceof GrpcFailure && !NOT_FINAL.includes(error.code);
}

/** However often it is tried again. Source: isInfeasibleError. */
export function isInfeasible(error: unknown): boolean {
  return error instanceof GrpcFailure && INFEASIBLE.includes(error.code);
}
