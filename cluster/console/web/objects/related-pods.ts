import { ResourceRows } from "./resource-rows.ts";
import { resourceType } from "./resource-types.ts";
import { type AnyObject, type Panel, selectorText, type Workload } from "./subject.ts";

const SELECTED_BY_LABELS: ReadonlySet<string> = new Set(["services"]);

/** The pods of a workload, behind a service, on a node. */
export async function open({ context, root, signal, type: ownType, object }: Panel): Promise<void> {
  const type = await resourceType(context.api, "pods");
  if (type === undefined || signal.aborted) return;
  const current = object();
  const owners = ownersOf(ownType.id, current);
  new ResourceRows({
    context,
    root,
    signal,
    type,
    namespace: current.metadata.namespace ?? "",
    query: queryOf(ownType.id, current),
    ...(owners === undefined ? {} : { wanted: (row) => row.owners.includes(owners) }),
  });
}

function queryOf(id: string, object: AnyObject): Readonly<Record<string, string>> {
  if (id === "nodes") return { fieldSelector: `spec.nodeName=${object.metadata.name}` };
  const selector = SELECTED_BY_LABELS.has(id)
    ? selectorText({ matchLabels: (object.spec?.selector ?? {}) as Record<string, string> })
    : selectorText((object as Workload).spec.selector);
  return { labelSelector: selector ?? "" };
}

/** Where the pods are the object's own, others that happen to have its labels are none of them. */
function ownersOf(id: string, object: AnyObject): string | undefined {
  return id === "nodes" || id === "deployments.apps" || SELECTED_BY_LABELS.has(id) ? undefined : object.metadata.uid;
}
