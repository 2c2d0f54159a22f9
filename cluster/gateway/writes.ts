import { badRequest, methodNotAllowed } from "../../actors/kinds/errors.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import { keyFor } from "../../actors/kinds/kind.ts";
import { JsonError, parseJson } from "../../actors/kinds/machinery/json.ts";
import type { ObjectMeta } from "../../actors/kinds/object.ts";
import type { Deleted, WrittenPart } from "../../actors/registry/registry.ts";
import type { Answer } from "./answer.ts";
import { objectText } from "./body.ts";
import type { GatewayContext } from "./context.ts";
import { untilNewest } from "./context.ts";
import { checkedOptions } from "./list.ts";
import type { Content } from "./object-body.ts";
import { APPLY_TYPE, readConfiguration, readObject, readPatch } from "./object-body.ts";
import type { ResourceRequest } from "./route.ts";
import { selectionOf } from "./selection.ts";
import { applyOptions, deleteOptions, patchOptions, writeOptions } from "./write-options.ts";

export const NAMESPACE_MISMATCH = "the namespace of the provided object does not match the namespace sent on the request";

/** `POST` of an object. */
export async function create(context: GatewayContext, info: ResourceRequest, kind: Kind, content: Content): Promise<Answer> {
  if (kind.custom?.terminating === true) throw methodNotAllowed("create not allowed while custom resource definition is terminating");
  const options = writeOptions(info.query, content, "CreateOptions");
  const object = readObject(kind, content, options, context.kinds);
  const entry = await context.registry.create(kind, { ...object, metadata: placed(kind, info, object.metadata) }, options);
  return { type: "object", code: 201, kind, entry };
}

/** `PUT` of an object, or of its status. */
export async function update(
  context: GatewayContext,
  info: ResourceRequest,
  kind: Kind,
  part: WrittenPart | undefined,
  content: Content,
): Promise<Answer> {
  const options = writeOptions(info.query, content, "UpdateOptions");
  const object = readObject(kind, content, options, context.kinds);
  const metadata = placed(kind, info, object.metadata);
  checkName(metadata.name, info.name);
  const wanted = { ...object, metadata };
  if (part !== undefined) {
    return {
      type: "object",
      code: 200,
      kind,
      entry: await context.registry.update(kind, wanted, { ...options, subresource: part }),
    };
  }
  if (kind.createsOnUpdate === true && (await isAbsent(context, kind, metadata))) {
    // Of what was replaced and then deleted by others, the revision means nothing any more.
    const { resourceVersion: _ofAnother, ...rest } = metadata;
    const entry = await context.registry.create(kind, { ...object, metadata: rest as ObjectMeta }, options);
    return { type: "object", code: 201, kind, entry };
  }
  return { type: "object", code: 200, kind, entry: await context.registry.update(kind, wanted, options) };
}

async function isAbsent(context: GatewayContext, kind: Kind, { namespace, name }: ObjectMeta): Promise<boolean> {
  const key = keyFor(kind, kind.namespaced ? namespace : undefined, name);
  if (context.view.entry(key) !== undefined) return false;
  await untilNewest(context);
  return context.view.entry(key) === undefined;
}

/** `PATCH` of an object, or of its status. */
export async function patch(
  context: GatewayContext,
  info: ResourceRequest,
  kind: Kind,
  part: WrittenPart | undefined,
  content: Content,
): Promise<Answer> {
  const namespace = kind.namespaced ? info.namespace : undefined;
  if (content.mediaType === APPLY_TYPE) {
    const { force, ...options } = applyOptions(info.query, content);
    const configuration = { body: readConfiguration(content, options.fieldValidation), force };
    const written = part === undefined ? options : { ...options, subresource: part };
    const { created, entry } = await context.registry.apply(kind, namespace, info.name, configuration, written);
    return { type: "object", code: created ? 201 : 200, kind, entry };
  }
  const options = patchOptions(info.query, content);
  const change = readPatch(kind, content);
  const written = part === undefined ? options : { ...options, subresource: part };
  const entry = await context.registry.patch(kind, namespace, info.name, change, written);
  return { type: "object", code: 200, kind, entry };
}

/** `DELETE` of an object. Answers with the object where it is still there (or where its kind wants that), else with a Status. */
export async function remove(context: GatewayContext, info: ResourceRequest, kind: Kind, content: Content): Promise<Answer> {
  const options = deleteOptions(info.query, content, deleteBody(content));
  const deleted = await context.registry.delete(kind, kind.namespaced ? info.namespace : undefined, info.name, options);
  const code = !deleted.removed && options.backgroundByOldName ? 202 : 200;
  if (!deleted.removed || kind.returnsDeletedObject === true) return { type: "object", code, kind, entry: deleted.entry };
  return { type: "value", code, value: deletedStatus(context, kind, info.name, deleted) };
}

function deletedStatus(context: GatewayContext, kind: Kind, name: string, deleted: Deleted): object {
  const { uid } = context.view.decode(deleted.entry).metadata;
  const group = kind.group === "" ? {} : { group: kind.group };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details: { name, ...group, kind: kind.plural, uid } };
}

/** `DELETE` of a collection: answers with the list of what was deleted. */
export async function removeCollection(context: GatewayContext, info: ResourceRequest, kind: Kind, content: Content): Promise<Answer> {
  const options = deleteOptions(info.query, content, deleteBody(content));
  const selection = selectionOf(kind, info.namespace, checkedOptions(info.query, false));
  const namespace = kind.namespaced ? info.namespace : undefined;
  const deleted = await context.registry.deleteCollection(kind, namespace, selection.matches, options);
  const entries = deleted.map(({ entry }) => entry);
  return { type: "list", kind, entries, revision: context.view.revision, continue: "", remaining: undefined };
}

const DELETE_OPTIONS = { group: "", version: "v1", kind: "DeleteOptions" };

function deleteBody(content: Content): unknown {
  if (content.body.length === 0) return undefined;
  const text = objectText(content.mediaType, content.body, DELETE_OPTIONS);
  try {
    return parseJson(text);
  } catch (error) {
    throw error instanceof JsonError ? badRequest(`couldn't get version/kind; json parse error: ${error.message}`) : error;
  }
}

/** The metadata of an object with the namespace of the request, which it may leave out but not contradict. */
export function placed(kind: Kind, info: ResourceRequest, metadata: ObjectMeta): ObjectMeta {
  const { namespace } = metadata;
  if (!kind.namespaced) {
    if (namespace === undefined) return metadata;
    const { namespace: _meaningless, ...rest } = metadata;
    return rest;
  }
  if (namespace === info.namespace) return metadata;
  if (namespace === undefined || namespace === "") return { ...metadata, namespace: info.namespace };
  throw badRequest(NAMESPACE_MISMATCH);
}

/** An object must bear the name that the URL says. */
export function checkName(name: string | undefined, nameInUrl: string): void {
  if (name === nameInUrl) return;
  if (name === undefined || name === "") {
    throw badRequest(`the name of the object (${nameInUrl} based on URL) was undeterminable: name must be provided`);
  }
  throw badRequest(`the name of the object (${name}) does not match the name on the URL (${nameInUrl})`);
}
