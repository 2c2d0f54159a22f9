import type { Event } from "../../actors/kinds/generated/types.ts";
import { decodeObject } from "../../actors/kinds/text.ts";
import { StatusError } from "../../actors/mod.ts";
import type { Mutation, Outcome, StoreClient } from "../../actors/store/transaction.ts";
import type { ApiClient } from "./api-client.ts";
import { collectionPath, objectPath } from "./api-paths.ts";

const EVENTS = { group: "", version: "v1", plural: "events" } as const;
const EXISTS = 409;

/** Where a recorder's Events go by the API, one by one. Nobody but their recorder changes them, so what is written counts as of any revision. */
export function apiEvents(client: Pick<ApiClient, "call">): Pick<StoreClient, "propose"> {
  return {
    async propose({ mutations }): Promise<Outcome> {
      for (const [index, mutation] of mutations.entries()) {
        try {
          await write(client, mutation);
        } catch (error) {
          // Its namespace may be gone; the others are still to be written.
          if (error instanceof StatusError && error.status.code < 500) return { committed: false, index, actual: undefined };
          throw error;
        }
      }
      return { committed: true, revision: 1 };
    },
  };
}

async function write(client: Pick<ApiClient, "call">, mutation: Mutation): Promise<void> {
  if (mutation.op === "delete") return;
  const {
    uid: _uid,
    creationTimestamp: _creation,
    resourceVersion: _version,
    ...metadata
  } = decodeObject<Event>(mutation.text, 0).metadata;
  const event = { ...decodeObject<Event>(mutation.text, 0), metadata };
  if (mutation.op === "update") {
    await client.call("PUT", objectPath(EVENTS, metadata.namespace, metadata.name), event);
    return;
  }
  await client.call("POST", collectionPath(EVENTS, metadata.namespace), event).catch((error: unknown) => {
    // It was written before, and the batch begins again.
    if (!(error instanceof StatusError) || error.status.code !== EXISTS) throw error;
  });
}
