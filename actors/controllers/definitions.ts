import { type ActorKind, type Address, addressOf } from "../../runtime/mod.ts";
import { CustomResourceDefinitionKind } from "../kinds/apiextensions/custom-resource-definition.ts";
import { CLEANUP_FINALIZER, statusOf, withCondition } from "../kinds/custom/accepted-names.ts";
import { customKinds, isEstablished } from "../kinds/custom/custom-kind.ts";
import type { CustomResourceDefinition } from "../kinds/generated/types.ts";
import { resourceOf } from "../kinds/kind.ts";
import { decodeMetadata } from "../kinds/metadata-text.ts";
import type { KubeObject } from "../kinds/object.ts";
import { APISERVER } from "../registry/authors.ts";
import { timestamp } from "../registry/timestamps.ts";
import type { View } from "../store/view.ts";
import { anyKind, modify, remove, updateStatus } from "./actions.ts";
import { apiServicesController } from "./api-services.ts";
import type { Action, Controller } from "./controller.ts";
import { NOTHING } from "./controller.ts";
import { type ControllerDependencies, type ControllerMessage, controllerKind } from "./controller-actor.ts";

const DEFINITIONS = resourceOf(CustomResourceDefinitionKind);
/** Objects deleted in one round at most. */
const DELETIONS_PER_ROUND = 1_000;
/** How often what is left of a definition that goes is looked at. */
const LOOK_AGAIN_MS = 100;

/**
 * Gives CustomResourceDefinitions their names and their status, and takes their objects along when they go. Source: apiextensions-apiserver's
 * pkg/controller/status, establish and finalizer. In Kubernetes the API server does this, so it runs beside the store here.
 */
export function definitionsController(): Controller {
  return {
    name: "custom-resource-definition",
    component: "kube-apiserver",
    author: APISERVER,
    fieldManager: "kube-apiserver",
    kind: anyKind(CustomResourceDefinitionKind),
    // Names are given to one after the other.
    concurrency: 1,
    watches: [
      {
        resource: DEFINITIONS,
        // What one gives up, others of its group may have.
        keys: ({ now, before }, view) =>
          now !== undefined && before === undefined ? [now.key] : view.list(DEFINITIONS).map(({ key }) => key),
      },
    ],
    reconcile: (view, key, now_ms) => reconcile(view, key, now_ms),
  };
}

/** The address of the actor that does this, for `{ type: "start" }`: one in a cluster, beside the store. */
export const DEFINITIONS_ADDRESS: Address = addressOf("definitions", definitionsController().name);

/** Its kind. Register it with the host whose view it reads. */
export function createDefinitionsKind(dependencies: ControllerDependencies): ActorKind<ControllerMessage> {
  return { ...controllerKind(() => [definitionsController(), apiServicesController()], dependencies), kind: "definitions" };
}

function reconcile(view: View, key: string, now_ms: number): readonly Action[] {
  const definition = view.get<CustomResourceDefinition>(key);
  if (definition === undefined) return NOTHING;
  const now = timestamp(now_ms);
  if (definition.metadata.deletionTimestamp !== undefined) return cleanUp(view, definition, now);
  const others = view
    .list(DEFINITIONS)
    .filter((entry) => entry.key !== key)
    .map((entry) => view.decode<CustomResourceDefinition>(entry))
    .filter(({ spec }) => spec.group === definition.spec.group);
  const status = statusOf(definition, others, now);
  return status === definition.status ? NOTHING : [updateStatus(CustomResourceDefinitionKind, definition, status)];
}

function cleanUp(view: View, definition: CustomResourceDefinition, now: string): readonly Action[] {
  if (definition.metadata.finalizers?.includes(CLEANUP_FINALIZER) !== true) return NOTHING;
  const [kind] = isEstablished(definition) ? customKinds(definition) : [];
  const resource = `${definition.spec.names.plural}.${definition.spec.group}`;
  const entries = isEstablished(definition) ? view.list(resource) : [];
  if (entries.length === 0 || kind === undefined) {
    return [
      modify(CustomResourceDefinitionKind, definition, (current) => {
        const finalizers = (current.metadata.finalizers ?? []).filter((one) => one !== CLEANUP_FINALIZER);
        return { ...current, metadata: { ...current.metadata, finalizers } };
      }),
    ];
  }
  const { status } = definition;
  const conditions = withCondition(
    status?.conditions ?? [],
    { type: "Terminating", status: "True", reason: "InstanceDeletionInProgress", message: "CustomResource deletion is in progress" },
    now,
  );
  const told =
    conditions === status?.conditions
      ? NOTHING
      : [updateStatus(CustomResourceDefinitionKind, definition, { ...status, conditions: [...conditions] })];
  const deletions: Action[] = [];
  for (const { text } of entries) {
    const metadata = decodeMetadata(text);
    if (metadata.deletionTimestamp === undefined) deletions.push(remove(kind, { metadata } as KubeObject, {}));
    if (deletions.length >= DELETIONS_PER_ROUND) break;
  }
  return [...told, ...deletions, { do: "requeue", after_ms: LOOK_AGAIN_MS }];
}
