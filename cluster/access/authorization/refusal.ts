import { forbidden } from "../../../actors/kinds/errors.ts";
import type { StatusError } from "../../../actors/kinds/status.ts";
import type { Identity } from "../identity.ts";
import type { Attributes } from "./attributes.ts";

/** What a refused client reads: who may not do what, and why where somebody said it. Source: apiserver's responsewriters.Forbidden. */
export function refusal(identity: Identity, asked: Attributes, reason: string): StatusError {
  const why = reason === "" ? "" : `: ${reason}`;
  const user = JSON.stringify(identity.user);
  if (asked.type === "page")
    return forbidden(undefined, "", `User ${user} cannot ${asked.method} path ${JSON.stringify(asked.path)}${why}`);
  const resource = asked.subresource === "" ? asked.resource : `${asked.resource}/${asked.subresource}`;
  const place = asked.namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(asked.namespace)}`;
  const what = `${JSON.stringify(resource)} in API group ${JSON.stringify(asked.group)} ${place}`;
  return forbidden({ group: asked.group, plural: asked.resource }, asked.name, `User ${user} cannot ${asked.verb} resource ${what}${why}`);
}
