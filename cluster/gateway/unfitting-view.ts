import { notAcceptableBecause } from "../../actors/kinds/errors.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import type { Format } from "./accept.ts";
import type { Answer } from "./answer.ts";

/**
 * Metadata of one object is no view of a list, and that of a list none of an object: 406, when the rest is done, as in Kubernetes. Source: apiserver's
 * pkg/endpoints/handlers/response.go, asPartialObjectMetadata.
 */
export function refuseUnfitting(answer: Answer, { as, many }: Format): void {
  if (as !== "metadata" || (answer.type !== "list" && answer.type !== "object")) return;
  const list = answer.type === "list";
  if (list === (many === true)) return;
  const words = many
    ? "PartialObjectMetadataList, but the requested object is not a list"
    : "PartialObjectMetadata, but the requested object is a list";
  throw notAcceptableBecause(`you requested ${words} (*${goTypeOf(answer.kind, list)})`);
}

/** The name of the Go type behind it in kube-apiserver: that of its internal version. */
function goTypeOf({ group, kind, custom }: Kind, list: boolean): string {
  if (custom !== undefined) return list ? "unstructured.UnstructuredList" : "unstructured.Unstructured";
  const [first = ""] = group.split(".");
  const name = first === "" || first === "events" ? "core" : first;
  return `${name}.${kind}${list ? "List" : ""}`;
}
