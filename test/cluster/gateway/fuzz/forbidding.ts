import type { Answered } from "./answers.ts";

/** Collections of what forbids other objects by being there. What the fuzzer puts into them is its own doing. */
export const FORBIDDING: readonly string[] = [
  "/api/v1/namespaces/default/limitranges",
  "/api/v1/namespaces/default/resourcequotas",
  "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
  "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
  "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
  "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
];

/** The fuzzer is an administrator, to whom nobody but admission says so. */
const FORBIDDEN = 403;
/** Of a webhook that is not there, and must be asked. */
const WEBHOOK_FAILED = /failed calling webhook/;

/** Whether admission refused it, which it may have been told to. */
export function isForbidden({ status, text }: Answered): boolean {
  return status === FORBIDDEN || isWebhookFailure(status, text);
}

export function isWebhookFailure(status: number, message: string): boolean {
  return status === 500 && WEBHOOK_FAILED.test(message);
}
