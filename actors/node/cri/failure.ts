import { RuntimeFailure, type RuntimeFailureReason } from "../container-runtime.ts";
import { GrpcFailure } from "../grpc/failure.ts";

/** Reasons whose words kubelet shows without the code that they came with. Source: kubelet's startContainer. */
const PLAIN: readonly RuntimeFailureReason[] = ["CreateContainerError", "RunContainerError", "ResizeError", "ExecError"];

/** What to do with a call that has failed: it throws a RuntimeFailure of this reason, or says that the runtime is away. */
export function failedAs(reason: RuntimeFailureReason): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof GrpcFailure)) throw error;
    const { code, message, description } = error;
    if (code === "Unavailable" || code === "Canceled")
      throw new RuntimeFailure("RuntimeUnavailable", `the container runtime cannot be reached: ${description}`);
    throw new RuntimeFailure(reason, PLAIN.includes(reason) ? description : message);
  };
}

/** What is gone already need not be ended or removed: undefined then, else it throws as it is. */
export function unlessGone(error: unknown): undefined {
  if (error instanceof GrpcFailure && error.code === "NotFound") return undefined;
  throw error;
}
