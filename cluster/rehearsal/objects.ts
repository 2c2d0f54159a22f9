import { readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { type KubeObject, ObjectList, POD_GROUPS, RESOURCES_READ } from "../../actors/mod.ts";
import type { ClusterDoor } from "../actors-top/access.ts";
import { BootFailure } from "../boot/failure.ts";
import type { Supposed } from "./supposed.ts";

const POD_GROUPS_PATH = "/apis/scheduling.x-k8s.io/v1alpha1/podgroups";

/** All that the scheduler reads of a cluster, through its API. */
export async function readCluster(door: ClusterDoor): Promise<ObjectList> {
  const objects = new ObjectList();
  const lists = await Promise.all(
    RESOURCES_READ.map(async ({ resource, path }) => ({ resource, items: ((await door.get(path)) as { items: KubeObject[] }).items })),
  );
  for (const { resource, items } of lists) for (const item of items) objects.put(resource, item);
  // Not every cluster has groups of pods.
  const groups = await door.get(POD_GROUPS_PATH).catch(() => ({ items: [] }));
  for (const group of (groups as { items?: KubeObject[] }).items ?? []) objects.put(POD_GROUPS, group);
  return objects;
}

/** The objects of a file, YAML or JSON, one after another; lists are opened. Throws BootFailure. */
export async function readManifests(file: string): Promise<Supposed[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new BootFailure(`cannot read ${file} (${error.code ?? error.message}); name a file of objects, in YAML or JSON`);
  });
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new BootFailure(`${file}: ${error.message.split("\n")[0]}`);
    const value = document.toJS() as (Supposed & { items?: Supposed[] }) | null;
    if (value === null) return [];
    if (typeof value !== "object" || typeof value.kind !== "string")
      throw new BootFailure(`${file}: not every document is an object with a kind`);
    return value.kind.endsWith("List") ? (value.items ?? []) : [value];
  });
}
