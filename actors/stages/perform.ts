import type { Kind } from "../kinds/kind.ts";
import type { KindTable } from "../kinds/kinds.ts";
import type { KubeObject } from "../kinds/object.ts";
import { StatusError } from "../kinds/status.ts";
import type { EventRecorder } from "../registry/event-recorder.ts";
import type { Author, Registry, WriteOptions, WrittenPart } from "../registry/registry.ts";
import { STAGE_MANAGER } from "./stage-manager.ts";
import type { StageAction } from "./step.ts";

/** Does what a stage decided, through the registry. */
export interface PerformWorld {
  readonly registry: Registry;
  readonly recorder: EventRecorder;
  readonly kinds: KindTable;
}

const CREATED = { uid: "", creationTimestamp: "" };
const ALREADY_EXISTS = 409;

/** Rejects with StatusError when the API refuses it. `author`: who writes where the stage names nobody. */
export async function performStage(
  world: PerformWorld,
  kind: Kind,
  object: KubeObject,
  action: StageAction,
  author: Author | undefined,
): Promise<void> {
  const { registry, recorder } = world;
  const { namespace, name, uid } = object.metadata;
  switch (action.type) {
    case "event": {
      const about = { kind: kind.kind, apiVersion: object.apiVersion ?? "", metadata: object.metadata };
      recorder.event(about, action.severity, action.reason, action.message);
      return;
    }
    case "patch":
      await registry.patch(kind, namespace, name, action.patch, { ...writing(action.user, author), ...through(action.subresource) });
      return;
    case "delete":
      await registry.delete(kind, namespace, name, { ...writing(undefined, author), gracePeriodSeconds: 0, preconditions: { uid } });
      return;
    case "apply":
      return apply(world, object, action, author);
  }
}

/** Makes the object, or changes the one that is there. Source: kwok's pkg/utils/lifecycle/apply.go. */
async function apply(
  { registry, kinds }: PerformWorld,
  from: KubeObject,
  { object, how, subresource, user }: Extract<StageAction, { type: "apply" }>,
  author: Author | undefined,
): Promise<void> {
  const { apiVersion = "", kind: name = "" } = object;
  const kind = kinds.byApiVersion(apiVersion, name);
  if (kind === undefined) throw new Error(`the API has no ${apiVersion} ${name} to apply`);
  const namespace = kind.namespaced ? (object.metadata.namespace ?? from.metadata.namespace) : undefined;
  const options = { ...writing(user, author), ...through(subresource) };
  const { metadata } = object;
  if (how === "apply") {
    await registry.apply(kind, namespace, metadata.name, { body: object, force: true }, options);
    return;
  }
  if (subresource === "") {
    const fresh = { ...object, metadata: { ...CREATED, ...metadata, ...(namespace === undefined ? {} : { namespace }) } };
    const made = await registry.create(kind, fresh, writing(user, author)).then(
      () => true,
      (error: unknown) => {
        if (error instanceof StatusError && error.status.code === ALREADY_EXISTS) return false;
        throw error;
      },
    );
    if (made) return;
  }
  await registry.patch(kind, namespace, metadata.name, { type: how, body: object }, options);
}

function writing(user: string | undefined, author: Author | undefined): WriteOptions & { readonly fieldManager: string } {
  const requester = user === undefined ? {} : { requester: { user, groups: ["system:authenticated"] } };
  return { fieldManager: STAGE_MANAGER, ...(author === undefined ? {} : { author }), ...requester };
}

function through(subresource: string): { readonly subresource?: WrittenPart } {
  return subresource === "" ? {} : { subresource: subresource as WrittenPart };
}
