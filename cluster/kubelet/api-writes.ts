import { resourceOf } from "../../actors/kinds/kind.ts";
import { encodeObject } from "../../actors/kinds/text.ts";
import { type Kind, type KubeObject, keyFor, StatusError } from "../../actors/mod.ts";
import type { Deleted, DeleteOptions, ModifyOptions, ObjectWrites, WriteOptions } from "../../actors/registry/registry.ts";
import type { Entry } from "../../actors/store/view.ts";
import type { ApiClient } from "./api-client.ts";
import { collectionPath, objectPath } from "./api-paths.ts";
import { entryOf, type FollowedObjects } from "./followed-objects.ts";

/** So often others may be quicker with an object, before a write of it is given up for now. */
const ATTEMPTS_MAX = 5;
const CONFLICT = 409;
/** What a node may not follow, and alone writes: what it was answered last is what there is. */
const OWN: ReadonlySet<string> = new Set(["csinodes.storage.k8s.io", "leases.coordination.k8s.io"]);

/** What a node writes, by the API and as itself: whatever else it might say of who writes, the API knows by its certificate. */
export class ApiWrites implements ObjectWrites {
  readonly #client: Pick<ApiClient, "call">;
  readonly #objects: FollowedObjects;

  constructor(client: Pick<ApiClient, "call">, objects: FollowedObjects) {
    this.#client = client;
    this.#objects = objects;
  }

  async create<T extends KubeObject>(kind: Kind<T>, object: T, options: WriteOptions = {}): Promise<Entry> {
    const { uid: _uid, creationTimestamp: _creation, ...metadata } = object.metadata;
    const path = `${collectionPath(kind, metadata.namespace)}${managerOf(options)}`;
    return this.#answered(kind, await this.#client.call("POST", path, { ...object, metadata }));
  }

  /** Begins with what is known here: when that is old the API says so, and it is read anew. */
  async modify<T extends KubeObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    modify: (current: T) => T | undefined,
    options: ModifyOptions = {},
  ): Promise<Entry> {
    const path = objectPath(kind, namespace, name);
    const part = `${objectPath(kind, namespace, name, options.subresource)}${managerOf(options)}`;
    let current = this.#objects.get<T>(keyFor(kind, namespace, name));
    for (let attempt = 1; ; attempt++) {
      current ??= await this.#client.call<T>("GET", path);
      const next = modify(current);
      if (next === undefined) return entryOf(keyFor(kind, namespace, name), current);
      try {
        return this.#answered(kind, await this.#client.call("PUT", part, next));
      } catch (error) {
        if (isNotFound(error)) this.#objects.remove(keyFor(kind, namespace, name));
        if (!isConflict(error) || attempt === ATTEMPTS_MAX) throw error;
        current = undefined;
      }
    }
  }

  async delete(kind: Kind, namespace: string | undefined, name: string, options: DeleteOptions = {}): Promise<Deleted> {
    const { gracePeriodSeconds, preconditions } = options;
    const how = {
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      ...(preconditions === undefined ? {} : { preconditions }),
    };
    const answer = await this.#client.call("DELETE", objectPath(kind, namespace, name), how);
    return { removed: gracePeriodSeconds === 0, entry: { key: keyFor(kind, namespace, name), revision: 0, text: encodeObject(answer) } };
  }

  /** One node has one lease: nothing is together with it. */
  async rewriteTogether(): Promise<ReadonlySet<string>> {
    return new Set();
  }

  #answered(kind: Kind<never> | Kind, object: KubeObject): Entry {
    const key = keyFor(kind as Kind, object.metadata.namespace, object.metadata.name);
    if (OWN.has(resourceOf(kind as Kind))) this.#objects.put(key, object);
    else this.#objects.update(key, object);
    return entryOf(key, object);
  }
}

function managerOf({ fieldManager }: WriteOptions): string {
  return fieldManager === undefined ? "" : `?fieldManager=${encodeURIComponent(fieldManager)}`;
}

const isNotFound = (error: unknown): boolean => error instanceof StatusError && error.status.code === 404;

const isConflict = (error: unknown): boolean => error instanceof StatusError && error.status.code === CONFLICT;
