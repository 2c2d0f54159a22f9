import { ObjectList, type Pod, PodKind, Rehearsal, type SchedulerConfiguration, StatusError } from "../../actors/mod.ts";
import { ClusterDoor } from "../actors-top/access.ts";
import { askExtenders } from "../boot/ask-extender.ts";
import { readSchedulerConfiguration } from "../boot/configuration-files.ts";
import { BootFailure } from "../boot/failure.ts";
import { printed } from "../command-line/output.ts";
import type { WhatIfFlags, WhyFlags } from "./flags.ts";
import { readCluster, readManifests } from "./objects.ts";
import { accountLines, placementLines } from "./report.ts";
import { type Supposed, suppose } from "./supposed.ts";

/** `troupe why POD`: what each node says of a pod. Throws BootFailure. */
export async function runWhy(flags: WhyFlags, output: NodeJS.WritableStream): Promise<void> {
  const door = ClusterDoor.open(flags.data);
  const extenders = askExtenders();
  try {
    const rehearsal = new Rehearsal(await readCluster(door), await configurationOf(flags.schedulerConfig), extenders.ask);
    const key = `pods/${flags.namespace}/${flags.pod}`;
    const plain = rehearsal.why(key);
    if (plain === undefined)
      throw new BootFailure(`there is no pod ${flags.pod} in the namespace ${flags.namespace}; name another with -n`);
    const account = await rehearsal.consulted(key, plain);
    output.write(await printed(flags.format, account, () => accountLines(account)));
  } finally {
    await extenders.close();
    await door.close();
  }
}

/** `troupe what-if -f FILE`: where pods would go. Throws BootFailure. */
export async function runWhatIf(flags: WhatIfFlags, output: NodeJS.WritableStream): Promise<void> {
  const configuration = await configurationOf(flags.schedulerConfig);
  const door = flags.offline ? undefined : ClusterDoor.open(flags.data);
  try {
    const objects = door === undefined ? new ObjectList() : await readCluster(door);
    const nodes = flags.nodes === undefined ? [] : await readManifests(flags.nodes);
    if (nodes.some(({ kind }) => kind !== "Node")) throw new BootFailure(`${flags.nodes} has more than nodes`);
    const manifests = (await Promise.all(flags.files.map(readManifests))).flat();
    const wanted = supposed([...nodes, ...manifests], objects, flags.namespace);
    const pods = await Promise.all(wanted.map((pod, number) => admitted(pod, number, door)));
    const placements = new Rehearsal(objects, configuration).place(pods);
    output.write(await printed(flags.format, placements, () => placementLines(placements)));
  } finally {
    await door?.close();
  }
}

function supposed(manifests: readonly Supposed[], objects: ObjectList, namespace: string): Pod[] {
  try {
    return suppose(manifests, objects, { namespace });
  } catch (error) {
    throw error instanceof StatusError ? new BootFailure(error.message) : error;
  }
}

/** A pod as the API server would take it: it is asked, with a dry run. Without one, with the defaults. */
async function admitted(pod: Pod, number: number, door: ClusterDoor | undefined): Promise<Pod> {
  if (door !== undefined) return (await door.post(`/api/v1/namespaces/${pod.metadata.namespace}/pods?dryRun=All`, pod)) as Pod;
  PodKind.applyDefaults?.(pod);
  const { metadata } = pod;
  return {
    ...pod,
    metadata: { ...metadata, name: metadata.name ?? `${metadata.generateName ?? "pod-"}${number}`, uid: `what-if-${number}` },
  };
}

function configurationOf(file: string | undefined): Promise<SchedulerConfiguration | undefined> {
  return file === undefined ? Promise.resolve(undefined) : readSchedulerConfiguration(file);
}
