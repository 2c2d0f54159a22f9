import { ResourceRows } from "./resource-rows.ts";
import { resourceType } from "./resource-types.ts";
import type { Panel } from "./subject.ts";

/** The jobs that a CronJob has made. */
export async function open({ context, root, signal, object }: Panel): Promise<void> {
  const type = await resourceType(context.api, "jobs.batch");
  if (type === undefined || signal.aborted) return;
  const { namespace = "", uid } = object().metadata;
  new ResourceRows({ context, root, signal, type, namespace, wanted: (row) => row.owners.includes(uid) });
}
