/** Applies the patches that the API takes, with refusals as clients see them. Source: apiserver's handlers/patch.go. */
import { badRequest, patchDoesNotFit, requestEntityTooLarge, unclassified } from "../errors.ts";
import type { StatusError } from "../status.ts";
import { JsonPatchError, jsonPatch } from "./json-patch.ts";
import { StrategicPatchError } from "./merge-item.ts";
import { mergePatch } from "./merge-patch.ts";
import { strategicMergePatch } from "./strategic-merge.ts";

export interface DocumentPatch {
  /** RFC 6902, RFC 7386, or Kubernetes' own. */
  readonly type: "json" | "merge" | "strategic";
  /** The decoded body. */
  readonly body: unknown;
}

/**
 * The document after the patch; the document itself is not changed, but may share parts with the result. `schema` is the OpenAPI name of
 * what the document is. Throws StatusError.
 */
export function patchDocument(schema: string, document: object, patch: DocumentPatch): unknown {
  try {
    switch (patch.type) {
      case "json":
        return jsonPatch(document, patch.body);
      case "merge":
        return mergePatch(document, objectBody(patch.body));
      case "strategic":
        return strategicMergePatch(schema, document, objectBody(patch.body));
    }
  } catch (error) {
    throw refusal(error) ?? error;
  }
}

function objectBody(body: unknown): object {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  const what = Array.isArray(body) ? "array" : typeof body === "boolean" ? "bool" : typeof body;
  throw badRequest(`error decoding patch: json: cannot unmarshal ${what} into Go value of type map[string]interface {}`);
}

function refusal(error: unknown): StatusError | undefined {
  if (error instanceof JsonPatchError) {
    if (error.code === 422) return patchDoesNotFit();
    return error.code === 413 ? requestEntityTooLarge(error.message) : badRequest(error.message);
  }
  if (!(error instanceof StrategicPatchError)) return undefined;
  if (error.code === 500) return unclassified(error.message);
  return error.code === 422 ? patchDoesNotFit() : badRequest(error.message);
}
