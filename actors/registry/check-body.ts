import type { BodyKind, ReadBody } from "../kinds/machinery/body.ts";
import { readObjectBody } from "../kinds/machinery/body.ts";
import type { KubeObject } from "../kinds/object.ts";
import type { WriteOptions } from "./registry.ts";

export type { BodyKind } from "../kinds/machinery/body.ts";
export type CheckedBody<T extends KubeObject> = ReadBody<T>;

export interface BodyOptions {
  /** Default Warn, as in kube-apiserver. */
  readonly fieldValidation?: WriteOptions["fieldValidation"];
  /** Whether a kind is served here, for the words about a body of another kind. Default: none is known. */
  readonly isKnown?: (group: string, version: string, kind: string) => boolean;
}

/**
 * The object in a JSON body that comes in through a door, as the registry's writes take it: a private copy in the shape of its kind. Names and
 * namespaces are for the door to compare with its URL. Throws 400, in the order of kube-apiserver: syntax, kind and version, types, strictness.
 */
export function checkBody<T extends KubeObject>(kind: BodyKind, text: string, options: BodyOptions = {}): CheckedBody<T> {
  const { fieldValidation = "Warn", isKnown = () => false } = options;
  return readObjectBody<T>(kind, text, fieldValidation, (apiVersion, name) => {
    const slash = apiVersion.indexOf("/");
    return slash < 0 ? isKnown("", apiVersion, name) : isKnown(apiVersion.slice(0, slash), apiVersion.slice(slash + 1), name);
  });
}
