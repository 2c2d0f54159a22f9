import { expect } from "vitest";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { ServiceAccountKind } from "../../../actors/kinds/core/service-account.ts";
import type { ConfigMap, Namespace, ServiceAccount } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { KindTable } from "../../../actors/kinds/kinds.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import type { Status } from "../../../actors/kinds/status.ts";
import { StatusError } from "../../../actors/kinds/status.ts";
import { decodeObject } from "../../../actors/kinds/text.ts";
import { createRegistry } from "../../../actors/registry/create-registry.ts";
import type { Registry } from "../../../actors/registry/registry.ts";
import { MemoryLog } from "../../../actors/store/memory-log.ts";
import type { StoreClient } from "../../../actors/store/transaction.ts";
import type { Entry, View } from "../../../actors/store/view.ts";
import type { Random } from "../../../runtime/mod.ts";
import { systemClock, systemRandom } from "../../../runtime/mod.ts";
import type { TestStore } from "../store/harness.ts";
import { startStore } from "../store/harness.ts";

/** A registry on a store of its own, with the namespace `d` and its service account. */
export interface TestRegistry {
  readonly registry: Registry;
  readonly store: TestStore;
  /** Another door to the same store. */
  another(options?: { view?: View; client?: StoreClient; random?: Random }): Registry;
  stop(): Promise<void>;
}

export async function startRegistry(): Promise<TestRegistry> {
  const store = startStore({ log: new MemoryLog() });
  const another: TestRegistry["another"] = ({ view = store.replica, client = store.client, random = systemRandom() } = {}) =>
    createRegistry({ view, store: client, clock: systemClock(), random, kinds: testKinds() });
  const registry = another();
  await registry.create(NamespaceKind, named<Namespace>("d", undefined, { spec: {} }));
  await registry.create(ServiceAccountKind, named<ServiceAccount>("default", "d"));
  return { registry, store, another, stop: () => store.stop() };
}

/** An object as a client sends it. */
export function named<T extends KubeObject>(name: string, namespace?: string, rest: object = {}): T {
  const { metadata, ...others } = rest as { metadata?: object };
  return { metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...metadata }, ...others } as unknown as T;
}

export const configMap = (name: string, data: Record<string, string> = {}, metadata: object = {}): ConfigMap =>
  named<ConfigMap>(name, "d", { metadata, data });

export function objectOf<T extends KubeObject>(entry: Entry): T {
  return decodeObject<T>(entry.text, entry.revision);
}

/** The Status that a promise was refused with. */
export async function refusalOf(promise: Promise<unknown>): Promise<Status> {
  const error = await promise.then(
    (value) => expect.fail(`not refused, but ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof StatusError)) throw error;
  return error.status;
}

function testKinds(): KindTable {
  const kinds = new KindTable();
  kinds.add(PodKind as unknown as Kind);
  return kinds;
}
