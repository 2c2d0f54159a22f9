import { badRequest, notFound } from "../../actors/kinds/errors.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import { keyFor } from "../../actors/kinds/kind.ts";
import type { Answer } from "./answer.ts";
import type { GatewayContext } from "./context.ts";
import { untilNewest } from "./context.ts";
import { reach } from "./list.ts";
import { badRevisionMessage, revisionOf } from "./list-options.ts";
import type { ResourceRequest } from "./route.ts";

/** `GET` of an object: the newest committed state, or with `resourceVersion` one that is not older (0: any). */
export async function get(context: GatewayContext, info: ResourceRequest, kind: Kind): Promise<Answer> {
  const resourceVersion = info.query.size === 0 ? "" : (info.query.get("resourceVersion") ?? "");
  if (resourceVersion === "") {
    await untilNewest(context);
  } else {
    const revision = revisionOf(resourceVersion);
    if (revision === undefined) throw badRequest(`invalid resource version: ${badRevisionMessage(resourceVersion)}`);
    if (revision > 0) await reach(context, { state: "at-least", revision });
  }
  const entry = context.view.entry(keyFor(kind, kind.namespaced ? info.namespace : undefined, info.name));
  if (entry === undefined) throw notFound(kind.stored?.kind ?? kind, info.name);
  return { type: "object", code: 200, kind, entry };
}
