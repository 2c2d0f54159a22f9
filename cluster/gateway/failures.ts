import { internalError, serviceUnavailable } from "../../actors/kinds/errors.ts";
import type { Status } from "../../actors/kinds/status.ts";
import { StatusError } from "../../actors/kinds/status.ts";
import { StoreUnavailable } from "../../actors/store/errors.ts";
import type { Logger } from "../../runtime/mod.ts";
import type { Answer } from "./answer.ts";
import { RETRY_AFTER_S } from "./in-flight.ts";

/**
 * What a client reads when its request failed. A StatusError is the answer itself; a store that cannot answer now is 503; anything else
 * is a fault of ours: 500, and logged with its stack, which the client does not see.
 */
export function failureAnswer(error: unknown, log: Logger, path: string): Answer {
  if (error instanceof StatusError) return statusAnswer(error.status);
  if (error instanceof StoreUnavailable) return statusAnswer(serviceUnavailable(error.message).status, RETRY_AFTER_S);
  log.error({ error, path }, "a request failed unexpectedly");
  return statusAnswer(internalError("the server failed unexpectedly; its log says more").status);
}

/** `wait_s` is for what is over soon; of other failures the Status says itself when to try again, if that makes sense. */
function statusAnswer(status: Status, wait_s = 0): Answer {
  const retryAfter_s = status.details?.retryAfterSeconds ?? wait_s;
  const json = JSON.stringify(status);
  return retryAfter_s > 0
    ? { type: "json", code: status.code, json, headers: { "Retry-After": String(retryAfter_s) } }
    : { type: "json", code: status.code, json };
}
