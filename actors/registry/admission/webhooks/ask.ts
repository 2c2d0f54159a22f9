import { badRequest } from "../../../kinds/errors.ts";
import type { Kind } from "../../../kinds/kind.ts";
import type { AdmissionRequest, AdmissionWorld } from "../admission.ts";
import type { Hook } from "./hooks.ts";
import { denial, reviewOf, reviewVersionOf, type Verdict, verdictOf } from "./review.ts";
import { type WebhookClient, WebhookFailure, type WebhookTarget } from "./webhook-client.ts";

const HARMLESS_DRY: ReadonlySet<string | undefined> = new Set(["None", "NoneOnDryRun"]);
const TIMEOUT_S = 10;

/** Asks one webhook. Throws its refusal (a StatusError), or WebhookFailure when it could not be asked. Source: callHook of both dispatchers. */
export async function ask(
  { webhook }: Hook,
  kind: Kind,
  mutating: boolean,
  request: AdmissionRequest,
  client: WebhookClient,
  world: AdmissionWorld,
): Promise<Verdict> {
  const { name, sideEffects, timeoutSeconds = TIMEOUT_S, admissionReviewVersions = [], clientConfig } = webhook;
  const { options } = request;
  if (options.dryRun === true && !HARMLESS_DRY.has(sideEffects)) {
    throw badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`);
  }
  const version = reviewVersionOf(admissionReviewVersions);
  if (version === undefined) {
    throw failed(name, "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)");
  }
  const uid = world.random.uuid();
  let verdict: Verdict;
  try {
    const review = await client.post(clientConfig as WebhookTarget, reviewOf(version, uid, request, kind), timeoutSeconds);
    verdict = verdictOf(version, uid, mutating, review);
  } catch (error) {
    throw error instanceof WebhookFailure ? failed(name, error.message) : error;
  }
  for (const [key, value] of Object.entries(verdict.auditAnnotations)) options.annotate?.(`${name}/${key}`, value);
  for (const text of verdict.warnings) options.warn?.(text);
  if (!verdict.allowed) throw denial(name, verdict);
  return verdict;
}

function failed(name: string, why: string): WebhookFailure {
  return new WebhookFailure(`failed calling webhook ${JSON.stringify(name)}: ${why}`);
}

/** Whether a webhook that could not be asked stands in nobody's way. */
export function failsOpen({ webhook }: Hook): boolean {
  return webhook.failurePolicy === "Ignore";
}
