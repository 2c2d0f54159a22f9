import { type Address, addressOf } from "../../runtime/mod.ts";
import { CustomResourceDefinitionKind } from "../kinds/apiextensions/custom-resource-definition.ts";
import { APIServiceKind } from "../kinds/apiregistration/api-service.ts";
import { isEstablished } from "../kinds/custom/custom-kind.ts";
import type { APIService, CustomResourceDefinition } from "../kinds/generated/types.ts";
import { partsOf, resourceOf } from "../kinds/kind.ts";
import { APISERVER } from "../registry/authors.ts";
import { timestamp } from "../registry/timestamps.ts";
import type { Entry, View } from "../store/view.ts";
import { anyKind, create, newMeta, remove, updateStatus } from "./actions.ts";
import { type Action, type Controller, NOTHING } from "./controller.ts";

const API_SERVICES = resourceOf(APIServiceKind);
const DEFINITIONS = resourceOf(CustomResourceDefinitionKind);
const MANAGED = "kube-aggregator.kubernetes.io/automanaged";
/** Groups that nobody ranks come after all of Kubernetes' own. Source: pkg/controlplane/controller/crdregistration. */
const GROUP_PRIORITY = 1_000;
const VERSION_PRIORITY = 100;

/**
 * Lists every version that definitions serve as an APIService, and says of all that are served here that they are. Source: kube-aggregator's
 * pkg/controllers/autoregister and status/local, pkg/controlplane/controller/crdregistration. In Kubernetes the API server does this.
 */
export function apiServicesController(): Controller {
  return {
    name: "api-services",
    component: "kube-aggregator",
    author: APISERVER,
    fieldManager: "kube-apiserver",
    kind: anyKind(APIServiceKind),
    watches: [
      { resource: API_SERVICES, keys: ({ now, before }) => [(now ?? before)?.key ?? ""] },
      { resource: DEFINITIONS, keys: ({ now, before }, view) => [...servedBy(now, view), ...servedBy(before, view)] },
    ],
    reconcile,
  };
}

/** The address of the actor that does this, for `{ type: "start" }`: one in a cluster, beside the store. */
export const API_SERVICES_ADDRESS: Address = addressOf("definitions", apiServicesController().name);

function servedBy(entry: Entry | undefined, view: View): readonly string[] {
  if (entry === undefined) return [];
  const { spec } = view.decode<CustomResourceDefinition>(entry);
  return spec.versions.map(({ name }) => `${API_SERVICES}/${name}.${spec.group}`);
}

function reconcile(view: View, key: string, now_ms: number): readonly Action[] {
  const { name } = partsOf(key);
  const service = view.get<APIService>(key);
  const [version = "", ...rest] = name.split(".");
  const group = rest.join(".");
  const wanted = isDefined(view, group, version);
  if (service === undefined) return wanted ? [create(APIServiceKind, madeFor(group, version))] : NOTHING;
  const managed = service.metadata.labels?.[MANAGED] === "true";
  if (managed && !wanted) return [remove(APIServiceKind, service, {})];
  if (service.spec?.service !== undefined) return NOTHING;
  const conditions = service.status?.conditions ?? [];
  if (conditions.some(({ type, status, reason }) => type === "Available" && status === "True" && reason === "Local")) return NOTHING;
  const local = {
    type: "Available",
    status: "True",
    reason: "Local",
    message: "Local APIServices are always available",
    lastTransitionTime: timestamp(now_ms),
  };
  const others = conditions.filter(({ type }) => type !== "Available");
  return [updateStatus(APIServiceKind, service, { ...service.status, conditions: [...others, local] })];
}

function isDefined(view: View, group: string, version: string): boolean {
  return view
    .list(DEFINITIONS)
    .map((entry) => view.decode<CustomResourceDefinition>(entry))
    .some(
      (definition) =>
        definition.spec.group === group &&
        isEstablished(definition) &&
        definition.spec.versions.some(({ name, served }) => served && name === version),
    );
}

function madeFor(group: string, version: string): APIService {
  return {
    metadata: newMeta({ name: `${version}.${group}`, labels: { [MANAGED]: "true" } }),
    spec: { group, version, groupPriorityMinimum: GROUP_PRIORITY, versionPriority: VERSION_PRIORITY },
  };
}
