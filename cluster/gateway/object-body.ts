import { badRequest } from "../../actors/kinds/errors.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import type { KindTable } from "../../actors/kinds/kinds.ts";
import type { BodyKind, FieldValidation } from "../../actors/kinds/machinery/body.ts";
import { readObjectBody, readPatchBody, repetitionWords } from "../../actors/kinds/machinery/body.ts";
import type { KubeObject } from "../../actors/kinds/object.ts";
import { StatusError } from "../../actors/kinds/status.ts";
import type { Patch, Requester } from "../../actors/registry/registry.ts";
import { isYaml, objectText, patchTypeOf } from "./body.ts";
import { repeatedKeys } from "./repeated-keys.ts";
import type { CheckedOptions } from "./write-options.ts";
import { readYaml } from "./yaml.ts";

/** What of a writing request is not in its URL. */
export interface Content {
  /** Without parameters; empty when not named. */
  readonly mediaType: string;
  readonly body: Buffer;
  readonly userAgent: string | undefined;
  readonly requester: Requester;
  /** Tells the client something beside the answer. */
  readonly warn: (text: string) => void;
  /** Adds to the record of the request, where there is one. */
  readonly annotate?: (key: string, value: string) => void;
}

/** What subresources speak, where it is not the kind of their parent. */
export const BINDING: BodyKind = { group: "", version: "v1", kind: "Binding", schema: "io.k8s.api.core.v1.Binding" };
export const EVICTION: BodyKind = { group: "policy", version: "v1", kind: "Eviction", schema: "io.k8s.api.policy.v1.Eviction" };
export const SCALE: BodyKind = { group: "autoscaling", version: "v1", kind: "Scale", schema: "io.k8s.api.autoscaling.v1.Scale" };

/** The object in a body that must be of this kind, in whatever encoding it came. What is odd about it the client is told, whatever becomes of it. Throws 400 and 415 in Kubernetes' words. */
export function readObject<T extends KubeObject>(kind: BodyKind | Kind, content: Content, options: CheckedOptions, kinds: KindTable): T {
  const isKnown = (apiVersion: string, name: string): boolean => kinds.byApiVersion(apiVersion, name) !== undefined;
  const { mediaType, body } = content;
  const text = objectText(mediaType, body, kind);
  // Of a key that comes twice the JSON has the last value only.
  const repeated = isYaml(mediaType) && options.fieldValidation !== "Ignore" ? repeatedKeys(body.toString("utf8")) : [];
  const { object, warnings } = readObjectBody<T>(kind, text, options.fieldValidation, isKnown, repeated);
  for (const words of warnings) content.warn(words);
  return object;
}

export const APPLY_TYPE = "application/apply-patch+yaml";

/** The configuration in the body of an apply; 400 when it is no YAML, or when it is to be strict and has keys twice. */
export function readConfiguration(content: Content, fieldValidation: FieldValidation): unknown {
  const text = content.body.toString("utf8");
  const value = configurationIn(text);
  const repeated = fieldValidation === "Ignore" ? [] : repeatedKeys(text);
  if (fieldValidation === "Strict" && repeated.length > 0)
    throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${repetitionWords(repeated)}`);
  for (const words of repeated) content.warn(words);
  return value;
}

function configurationIn(text: string): unknown {
  try {
    return readYaml(text);
  } catch (error) {
    throw error instanceof StatusError ? badRequest(`error decoding YAML: ${error.status.message}`) : error;
  }
}

/** The patch in a body. Throws 415 for media types that are no patch of this kind's, 400 for a body that is none. */
export function readPatch(kind: Pick<Kind, "custom">, content: Content): Patch {
  const type = patchTypeOf(content.mediaType, kind.custom === undefined);
  return { type, body: readPatchBody(content.body.toString("utf8")) };
}
