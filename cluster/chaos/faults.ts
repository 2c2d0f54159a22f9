import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { ApiClient } from "../../bench/driver/api-client.ts";
import type { Random } from "../../runtime/mod.ts";
import { BootFailure } from "../boot/failure.ts";
import { HostConnections } from "./host-connections.ts";
import type { Step } from "./plan.ts";
import type { PodBook } from "./pod-book.ts";
import { until } from "./until.ts";
import { GUARDED, type PodSeen, podsOf } from "./workload.ts";

/** What faults are done to. */
export interface Target {
  /** The process of the cluster. */
  readonly pid: number;
  readonly data: string;
  readonly namespace: string;
  readonly client: ApiClient;
  readonly book: PodBook;
  readonly random: Random;
}

const SILENT = "troupe.dev/hollow-silent";
const HOLLOW_NODES = "/api/v1/nodes?labelSelector=troupe.dev%2Fruntime%3Dhollow";
const MERGE = { "content-type": "application/merge-patch+json" };
const CREATED = 201;
const SEEN_MS = 30_000;

/** Does what a step says, to its end, and tells in words what was done. Throws BootFailure where it cannot be done here. */
export async function commit(step: Step, target: Target): Promise<string> {
  switch (step.fault) {
    case "kill-nats-server": {
      const pid = natsServerOf(target.pid);
      process.kill(pid, "SIGKILL");
      return `nats-server (${pid}) killed`;
    }
    case "pause-nats-server": {
      const pid = natsServerOf(target.pid);
      await paused(pid, step.for_ms);
      return `nats-server (${pid}) stood still for ${step.for_ms} ms`;
    }
    case "cut-off-host":
      return cutOff(step, target);
    case "pause-program":
      await paused(target.pid, step.for_ms);
      return `all hosts (${target.pid}) stood still for ${step.for_ms} ms`;
    case "silence-nodes":
      return silence(step, target);
    case "kill-pods": {
      const victims = drawn(await podsOf(target.client, target.namespace), step.count, target.random);
      for (const { metadata } of victims)
        await target.client.send({ method: "DELETE", path: podPath(target, metadata.name), body: '{"gracePeriodSeconds":0}' });
      return `pods ${namesOf(victims)} deleted without grace`;
    }
    case "evict-pods":
      return evict(step, target);
  }
}

async function cutOff({ for_ms }: Step, { data, random }: Target): Promise<string> {
  const connections = await HostConnections.open(data);
  try {
    const hosts = await connections.hosts();
    const host = hosts[random.below(Math.max(1, hosts.length))];
    if (host === undefined) throw new BootFailure("no host is connected to the nats-server of this cluster");
    const broken = await connections.cutOff(host, for_ms);
    return `host ${host} cut off for ${for_ms} ms (${broken} connections broken off)`;
  } finally {
    await connections.close();
  }
}

/** It goes on even if this program is interrupted meanwhile. */
async function paused(pid: number, for_ms: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  try {
    await delay(for_ms);
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

/** The nats-server that the program brought along. */
function natsServerOf(program: number): number {
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, "utf8")) ?? [];
      if (name?.startsWith("nats-server") === true && Number(parent) === program) return Number(entry);
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new BootFailure("this cluster has no nats-server of its own; leave kill-nats-server and pause-nats-server out with --faults");
}

async function silence({ count, for_ms }: Step, { client, random }: Target): Promise<string> {
  const { items } = (await client.call({ method: "GET", path: HOLLOW_NODES })) as { items: readonly { metadata: { name: string } }[] };
  const victims = drawn(items, count, random);
  const tell = async (value: string | null): Promise<void> => {
    const body = JSON.stringify({ metadata: { annotations: { [SILENT]: value } } });
    for (const { metadata } of victims)
      await client.call({ method: "PATCH", path: `/api/v1/nodes/${metadata.name}`, body, headers: MERGE });
  };
  try {
    await tell("true");
    await delay(for_ms);
  } finally {
    await tell(null);
  }
  return `nodes ${namesOf(victims)} silent for ${for_ms} ms`;
}

/** One after the other, as a drain does; the budget may refuse. */
async function evict({ count }: Step, { client, namespace, book, random }: Target): Promise<string> {
  const pods = (await podsOf(client, namespace)).filter(({ metadata }) => metadata.labels?.app === GUARDED);
  let granted = 0;
  for (const { metadata } of drawn(pods, count, random)) {
    const { name, uid } = metadata;
    const body = JSON.stringify({ apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } });
    const { status } = await client.send({ method: "POST", path: `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, body });
    if (status !== CREATED) continue;
    granted++;
    book.evicted(name, await until(`the eviction of ${name} in the watch`, () => book.leftAt(uid), SEEN_MS));
  }
  return `${granted} of ${count} evictions granted`;
}

function drawn<T>(from: readonly T[], count: number, random: Random): readonly T[] {
  const rest = [...from];
  return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(random.below(rest.length), 1)).flat();
}

function podPath({ namespace }: Target, name: string): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}

const namesOf = (objects: readonly (PodSeen | { readonly metadata: { readonly name: string } })[]): string =>
  objects.map(({ metadata }) => metadata.name).join(", ");
