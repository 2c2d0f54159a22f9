import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NamespaceKind } from "../../../actors/kinds/core/namespace.ts";
import { PodKind } from "../../../actors/kinds/core/pod.ts";
import { ServiceAccountKind } from "../../../actors/kinds/core/service-account.ts";
import type { Namespace, Node, Pod, ServiceAccount } from "../../../actors/kinds/generated/types.ts";
import { encodeObject } from "../../../actors/kinds/text.ts";
import { addressesOfShard } from "../../../actors/scheduler/shard.ts";
import { until } from "../../../cluster/chaos/until.ts";
import { LEASE_MS } from "../../../runtime/mod.ts";
import { named } from "../../actors/registry/harness.ts";
import { NatsServer } from "../../actors/store/nats-server.ts";
import { type Member, memberOf, SHARDS } from "./member.ts";

const PROGRAM = fileURLToPath(new URL("./member-process.ts", import.meta.url));
const NAMES = ["a", "b", "c"];
const PODS_PER_SECOND = 20;
/** As the issue wants it; a machine that is busy may take longer for it, but never as long as a lease. */
const TAKEOVER_MS = 2_000;

let nats: NatsServer;
let member: Member;
const processes = new Map<string, ChildProcess>();

beforeEach(async () => {
  nats = await NatsServer.start();
  await Promise.all(NAMES.map(begin));
  member = await memberOf(nats.url, "test", []);
  await member.host.ready();
  await member.registry.create(NamespaceKind, named<Namespace>("d", undefined, { spec: {} }));
  await member.registry.create(ServiceAccountKind, named<ServiceAccount>("default", "d"));
  for (const name of ["n0", "n1", "n2"]) {
    const metadata = { name, uid: name, creationTimestamp: "2026-01-01T00:00:00Z" };
    const node = { metadata, spec: {}, status: { allocatable: { cpu: "64", memory: "256Gi", pods: "500" } } } as unknown as Node;
    await member.store.propose({ request: name, mutations: [{ op: "create", key: `nodes/${name}`, text: encodeObject(node) }] });
  }
});
afterEach(async () => {
  for (const name of [...processes.keys()]) await kill(name);
  await member.close();
  await nats.remove();
});

async function begin(name: string): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, nats.url, name], { stdio: ["pipe", "pipe", "inherit"] });
  processes.set(name, child);
  await once(child.stdout as NodeJS.ReadableStream, "data");
}

async function kill(name: string): Promise<void> {
  const child = processes.get(name);
  processes.delete(name);
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

const nodeOf = (name: string): string | undefined => member.replica.get<Pod>(`pods/d/${name}`)?.spec.nodeName;

test("a process that holds shards of the scheduler is killed: others decide for its pods within two seconds, and its host's lease is not waited for", async () => {
  /** By pod, when its creation was asked for, and when it was seen bound: that may be before the creation is answered. */
  const asked = new Map<string, number>();
  const bound = new Map<string, number>();
  const seeing = member.replica.afterBatch(() => {
    const now_ms = performance.now();
    for (const name of asked.keys()) if (!bound.has(name) && nodeOf(name) !== undefined) bound.set(name, now_ms);
  });
  let isOver = false;
  const creating = (async () => {
    for (let number = 0; !isOver; number++) {
      const name = `p${number}`;
      asked.set(name, performance.now());
      await member.registry.create(PodKind, named<Pod>(name, "d", { spec: { containers: [{ name: "c", image: "i" }] } }));
      await delay(1_000 / PODS_PER_SECOND);
    }
  })();
  await until("pods on nodes", () => bound.size > PODS_PER_SECOND);
  const holders = Array.from({ length: SHARDS }, (_, shard) => member.membership.directory.placeOf(addressesOfShard(shard)[0]));
  const victim = holders[0] ?? "";
  const killed_ms = performance.now();
  await kill(victim);
  // Its lease holds: what is bound now is bound by somebody who took the shard's place.
  await delay(LEASE_MS - 1_000);
  expect(member.membership.members.map(({ host }) => host)).toContain(victim);
  isOver = true;
  await creating;
  await until("the last pods on nodes", () => bound.size === asked.size);
  seeing.cancel();
  const after = [...asked].filter(([, at_ms]) => at_ms > killed_ms);
  const waits_ms = after.map(([name, at_ms]) => (bound.get(name) ?? Number.POSITIVE_INFINITY) - at_ms);
  expect(after.length).toBeGreaterThan(PODS_PER_SECOND);
  const longest_ms = Math.max(...waits_ms);
  process.stdout.write(`${after.length} pods after the kill, of which one waited ${longest_ms.toFixed(0)} ms\n`);
  expect(longest_ms).toBeLessThan(TAKEOVER_MS);
  // The shard comes to a host of its own again when the lease has run out, and who stood in for it ends.
  await until("the removal", () => !member.membership.members.some(({ host }) => host === victim));
  await member.registry.create(PodKind, named<Pod>("last", "d", { spec: { containers: [{ name: "c", image: "i" }] } }));
  await until("the last of all", () => nodeOf("last") !== undefined);
});
