import { badRequest, unsupportedMediaType } from "../../actors/kinds/errors.ts";
import { mediaTypeOf } from "./body.ts";
import type { Exchange } from "./exchange.ts";

const JSON_TYPE = "application/json";

/** The JSON object that was sent. Pages of other sites cannot send this type without asking first, and nobody answers that. Throws 415 and 400. */
export async function postedJson(exchange: Exchange): Promise<object> {
  if (mediaTypeOf(exchange) !== JSON_TYPE) throw unsupportedMediaType([JSON_TYPE]);
  try {
    const value: unknown = JSON.parse((await exchange.body()).toString());
    if (typeof value === "object" && value !== null) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw badRequest("the body is no JSON object");
}
