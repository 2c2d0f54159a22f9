import type { Deed } from "../../api.ts";
import type { ViewContext } from "../../view.ts";
import { objectPath } from "../resource-types.ts";
import type { Subject } from "../subject.ts";

/** Something that can be done to an object. */
export interface Action {
  readonly id: string;
  readonly title: string;
  /** A letter that does it while the object is looked at. */
  readonly key?: string;
  readonly isDanger?: boolean;
  readonly applies: (subject: Subject) => boolean;
  /** What the user must be allowed for it to be offered. */
  readonly deed: (subject: Subject) => Deed;
  /** Asks what has to be asked, and does it. */
  readonly run: (subject: Subject, context: ViewContext) => Promise<void>;
}

/** The right to do something to this very object. */
export function deedOn({ type, object }: Subject, verb: string, subresource?: string): Deed {
  const { name, namespace } = object.metadata;
  return {
    verb,
    group: type.group,
    resource: type.resource,
    name,
    ...(subresource === undefined ? {} : { subresource }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** Where the API has the object. */
export function pathOf({ type, object }: Subject): string {
  return objectPath(type, object.metadata.namespace, object.metadata.name);
}

const MERGE = "application/merge-patch+json";

/** Changes what the patch names, and nothing else. */
export async function merge(context: ViewContext, path: string, patch: object): Promise<void> {
  await context.api.send("PATCH", `${path}?fieldManager=${FIELD_MANAGER}`, patch, { contentType: MERGE });
}

/** What the console writes as. */
export const FIELD_MANAGER = "troupe-console";
