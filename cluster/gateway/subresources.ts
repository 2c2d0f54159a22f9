import { badRequest, invalid as invalidObject, methodNotAllowed, resourceNotFound, tooManyBudgets } from "../../actors/kinds/errors.ts";
import { notSupported, required } from "../../actors/kinds/field-error.ts";
import type { Binding, Eviction, Namespace, Scale } from "../../actors/kinds/generated/types.ts";
import type { Kind, Subresource } from "../../actors/kinds/kind.ts";
import { type FieldError, StatusError } from "../../actors/kinds/status.ts";
import type { Answer } from "./answer.ts";
import type { GatewayContext } from "./context.ts";
import { get } from "./get.ts";
import type { Content } from "./object-body.ts";
import { BINDING, EVICTION, readObject, readPatch, SCALE } from "./object-body.ts";
import { token } from "./reviews.ts";
import type { ResourceRequest } from "./route.ts";
import { deleteOptions, writeOptions } from "./write-options.ts";
import { checkName, patch, placed, update } from "./writes.ts";

const CREATED: object = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };

/** Answers a request about a part of an object, or about an action on it. */
export async function subresource(
  context: GatewayContext,
  info: ResourceRequest,
  kind: Kind,
  part: Subresource,
  content: Content,
): Promise<Answer> {
  switch (part.name) {
    case "status":
    case "approval":
    case "ephemeralcontainers":
    case "resize":
      if (info.verb === "get") return get(context, info, kind);
      return info.verb === "patch" ? patch(context, info, kind, part.name, content) : update(context, info, kind, part.name, content);
    case "scale":
      return scale(context, info, kind, content);
    case "binding":
      return bind(context, info, info.name, content);
    case "eviction":
      return evict(context, info, content);
    case "token":
      return token(context, info, kind, content);
    case "finalize":
      return finalize(context, info, kind, content);
    default:
      throw resourceNotFound();
  }
}

async function scale(context: GatewayContext, info: ResourceRequest, kind: Kind, content: Content): Promise<Answer> {
  const { registry } = context;
  switch (info.verb) {
    case "get":
      return { type: "value", code: 200, value: await registry.getScale(kind, info.namespace, info.name) };
    case "update": {
      const options = writeOptions(info.query, content, "UpdateOptions");
      const object = readObject<Scale>(SCALE, content, options, context.kinds);
      const metadata = placed(kind, info, object.metadata);
      checkName(metadata.name, info.name);
      return { type: "value", code: 200, value: await registry.updateScale(kind, { ...object, metadata }, options) };
    }
    case "patch": {
      const options = writeOptions(info.query, content, "PatchOptions");
      return {
        type: "value",
        code: 200,
        value: await registry.patchScale(kind, info.namespace, info.name, readPatch(kind, content), options),
      };
    }
    default:
      throw methodNotAllowed();
  }
}

/** Binds a pod to a node. `name` is the pod's; empty where only the body names it. */
export async function bind(context: GatewayContext, info: ResourceRequest, name: string, content: Content): Promise<Answer> {
  const options = writeOptions(info.query, content, "CreateOptions");
  const object = readObject<Binding>(BINDING, content, options, context.kinds);
  const { metadata, target } = object;
  const named = metadata?.name ?? "";
  if (name !== "" && named !== "" && named !== name) throw badRequest("name in URL does not match name in Binding object");
  if (metadata?.namespace !== undefined && metadata.namespace !== "" && metadata.namespace !== info.namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  const errors = bindingErrors(target);
  if (errors.length > 0) throw invalidObject(BINDING, named, errors);
  const uid = metadata?.uid === "" ? undefined : metadata?.uid;
  const annotations = metadata?.annotations;
  const written = annotations === undefined ? options : { ...options, annotations };
  await context.registry.bind(info.namespace, name === "" ? named : name, uid, target.name ?? "", written);
  return { type: "value", code: 201, value: CREATED };
}

/** Source: ValidatePodBinding of Kubernetes 1.34. */
function bindingErrors(target: Binding["target"] | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const kind = target?.kind ?? "";
  if (kind !== "" && kind !== "Node") errors.push(notSupported("target.kind", kind, ["Node", "<empty>"]));
  if (target?.name === undefined || target.name === "") errors.push(required("target.name"));
  return errors;
}

async function evict(context: GatewayContext, info: ResourceRequest, content: Content): Promise<Answer> {
  const options = writeOptions(info.query, content, "CreateOptions");
  const object = readObject<Eviction>(EVICTION, content, options, context.kinds);
  const named = object.metadata?.name ?? "";
  if (named !== "" && named !== info.name) throw badRequest("name in URL does not match name in Eviction object");
  const deletion = deleteOptions(info.query, content, object.deleteOptions);
  try {
    await context.registry.evict(info.namespace, info.name, { ...deletion, dryRun: options.dryRun || deletion.dryRun === true });
  } catch (error) {
    // Kubernetes says in the body alone that it is not done.
    if (error instanceof StatusError && error.message === tooManyBudgets().message)
      return { type: "value", code: 201, value: error.status };
    throw error;
  }
  return { type: "value", code: 201, value: CREATED };
}

async function finalize(context: GatewayContext, info: ResourceRequest, kind: Kind, content: Content): Promise<Answer> {
  const options = writeOptions(info.query, content, "UpdateOptions");
  const object = readObject<Namespace>(kind, content, options, context.kinds);
  checkName(object.metadata.name, info.name);
  const entry = await context.registry.finalizeNamespace(object, options);
  return { type: "object", code: 200, kind, entry };
}
