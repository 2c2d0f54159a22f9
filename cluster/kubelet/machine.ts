import { volumeDirectoriesIn } from "../../actors/controllers/volumes/volume-directories.ts";
import type { ConfigMap } from "../../actors/kinds/generated/types.ts";
import { CSINodeKind } from "../../actors/kinds/storage/csi-node.ts";
import {
  createEventRecorder,
  FLEET_ADDRESS,
  type FleetMessage,
  type KubeObject,
  keyFor,
  MACHINE_LABEL,
  type Node,
  NodeKind,
  StatusError,
} from "../../actors/mod.ts";
import { KUBELET_PORT } from "../../actors/node/node-object.ts";
import type { ObjectWrites } from "../../actors/registry/registry.ts";
import { Host, type Logger, pinoLogger, systemClock, systemRandom } from "../../runtime/mod.ts";
import type { Closers } from "../boot/closers.ts";
import { DataDirectory } from "../boot/data-directory.ts";
import { BootFailure } from "../boot/failure.ts";
import type { NodeGround } from "../boot/ground.ts";
import { type Cluster, clusterOf } from "../boot/running-cluster.ts";
import { readRuntime } from "../boot/runtime-settings.ts";
import { logLevel } from "../boot/up.ts";
import { versionOfTroupe } from "../boot/version.ts";
import type { Said } from "../command-line/output.ts";
import type { PodsContext } from "../gateway/context.ts";
import type { JoinFlags } from "../joining/flags.ts";
import { join, renewNode, requestServing } from "../joining/join.ts";
import { MemberFiles, type Membership } from "../joining/member-files.ts";
import { ApiRefusal, ApiSilence } from "../joining/session.ts";
import { OwnAddresses } from "../outbound/own-address.ts";
import { lifeOf } from "../pki/certificates.ts";
import type { KeyPair } from "../pki/issuing.ts";
import { Renewal } from "../pki/renewal.ts";
import { ApiClient, addressTowards } from "./api-client.ts";
import { apiEvents } from "./api-events.ts";
import { objectPath } from "./api-paths.ts";
import { ApiWrites } from "./api-writes.ts";
import { KubeletDoor } from "./door.ts";
import { DoorAccess } from "./door-access.ts";
import type { FollowedObjects } from "./followed-objects.ts";
import { machineActors } from "./machine-actors.ts";
import { configIn, MACHINE_CONFIG, type MachineConfig } from "./machine-config.ts";
import { followMachine } from "./machine-view.ts";

const API_POLL_MS = 500;
/** Also in a cluster whose controllers are busy. */
const READY_DEADLINE_MS = 120_000;
/** A certificate for the door that ends sooner is replaced at the start. */
const SERVING_LEFT_MS = 24 * 3_600_000;
const EVERYWHERE = "0.0.0.0";
const UNAUTHORIZED = 401;
/** Of what is not the API's refusal but as good as one. */
const REFUSED = 400;

const clock = systemClock();
const random = systemRandom();

/** Starts the node that this machine is of a cluster, which it joins first if it has not. */
export function startMachine(flags: JoinFlags, started_ms: number): Cluster {
  return clusterOf((closers, failed, waits) => start(flags, closers, failed, waits, started_ms));
}

async function start(
  flags: JoinFlags,
  closers: Closers,
  failed: (failure: BootFailure) => void,
  waits: (what: string) => void,
  started_ms: number,
): Promise<Said> {
  const level = logLevel();
  const runtimeIn = await readRuntime(flags.runtime);
  const data = await DataDirectory.open(flags.data);
  closers.add(() => data.close());
  closers.goOn();
  data.remove("status.json");
  closers.add(() => data.remove("status.json"));
  closers.add(() => data.draining());
  const log = pinoLogger({ level });
  waits("the cluster to let this machine in");
  const files = await joined(flags, data);
  closers.goOn();
  const member = files.membership;
  const { node, server } = member;

  const client = new ApiClient({ server, authority: files.authority, node: files.nodePair });
  closers.add(() => client.close());
  waits(`the API server at ${server}`);
  const config = await patiently(closers, () => configOf(client));
  const serving = await patiently(closers, () => servingOf(files, member));
  const address = flags.nodeIp ?? (await patiently(closers, () => addressTowards(server)));

  const runtime = runtimeIn(data);
  const view = followMachine({ client, clock, random, log }, node, runtime.name !== "hollow");
  const { objects } = view;
  closers.add(() => view.stop());
  await Promise.race([view.complete, closers.closing]);
  closers.goOn();
  const registry = new ApiWrites(client, objects);
  await patiently(closers, () => relabel(registry, objects, node, runtime.name));
  await patiently(closers, () => bringCsiNode(client, objects, node));

  const host = new Host({
    name: node.replaceAll(".", "_"),
    clock,
    random,
    log,
    escalated: ({ child, error }) => failed(new BootFailure(`one of its actors was given up: ${child}: ${error}; start it again`)),
  });
  const { messenger } = host;
  const own = new OwnAddresses({ ports: new Set(), certificate: undefined });
  const pods: PodsContext = { view: objects, messenger, clock, log, own, newest: async () => {} };
  const tls = { ...serving, authority: files.authority };
  const volumes = runtime.name === "hollow" ? undefined : volumeDirectoriesIn(runtime.volumesDirectory);
  const door = new KubeletDoor({ node, pods, access: new DoorAccess(client, clock, node), volumes, tls });
  closers.add(() => door.close());
  const port = await listen(door, flags, address);
  const events = apiEvents(client);
  const ground: NodeGround = {
    view: objects,
    registry,
    clock,
    recorderFor: (component) => createEventRecorder({ store: events, clock, random, source: { component, host: node } }),
    references: (pod) => view.references.bring(pod),
  };
  const facts = { name: node, door: { address, port }, data: data.path };
  const actors = await machineActors(ground, { facts, runtime, flags, config, machines: view.machines, client, random, log });
  closers.add(() => actors.close());
  for (const kind of actors.kinds) host.register(kind);
  closers.add(() => host.stop());
  await actors.clearOrphans();
  closers.goOn();
  waits(`the node ${node} to be Ready`);
  const begin: FleetMessage = { type: "start", nodes: 1 };
  await messenger.ask(FLEET_ADDRESS, begin, { deadline_ms: READY_DEADLINE_MS }).catch((error: Error) => {
    throw new BootFailure(`the node ${node} was not Ready within ${READY_DEADLINE_MS / 1_000} s (${error.message}); its log says why`);
  });
  for (const { address: resident, message } of actors.residents) messenger.tell(resident, message);
  closers.goOn();

  renew(closers, log, "the node's certificate", files.nodePair, async () => {
    const pair = await renewNode(files, member);
    client.renew(pair);
    return pair;
  });
  renew(closers, log, "the certificate of the node's door", serving, async () => {
    const pair = await requestServing(files, member);
    door.renew(pair);
    return pair;
  });

  const kubeconfig = data.file("kubeconfig");
  const caution = actors.cautions.length === 0 ? undefined : actors.cautions.join("; ");
  const status = {
    pid: process.pid,
    api: server,
    node,
    kubelet: `https://${address}:${port}`,
    kubeconfig,
    version: versionOfTroupe(),
    ...(caution === undefined ? {} : { caution }),
  };
  data.write("status.json", `${JSON.stringify(status, null, 2)}\n`);
  const took_ms = Math.max(0, Math.round(Date.now() - started_ms));
  const line = `ready in ${took_ms} ms  api=${server}  kubeconfig=${kubeconfig}  node=${node}${caution === undefined ? "" : `  caution="${caution}"`}`;
  return { answer: { ready_ms: took_ms, ...status }, lines: [line] };
}

/** Throws BootFailure where the directory has joined nothing and is not told to, or has joined something else. */
async function joined({ cluster }: JoinFlags, data: DataDirectory): Promise<MemberFiles> {
  const files = new MemberFiles(data.path);
  if (!MemberFiles.isMember(data.path)) {
    if (cluster === undefined)
      throw new BootFailure(`${data.path} has joined no cluster yet: troupe join HOST:PORT --token ... as \`troupe init\` prints it`);
    await join(files, cluster);
  }
  const { node, server } = files.membership;
  if (cluster !== undefined && cluster.node !== node)
    throw new BootFailure(`${data.path} has joined the cluster at ${server} as ${node} already; \`troupe reset\` makes it forget that`);
  return files;
}

/** What the API refuses it refuses again; that nobody answers will be over, and until then pods go on. Throws BootFailure. */
async function patiently<T>(closers: Closers, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    closers.goOn();
    try {
      return await ask();
    } catch (error) {
      const code = codeOf(error);
      if (code === UNAUTHORIZED)
        throw new BootFailure("the API server does not know this machine any more: `troupe reset` it, and join again");
      if (code !== undefined && code < 500) throw error instanceof BootFailure ? error : new BootFailure((error as Error).message);
      await new Promise<void>((resolve) => clock.after(API_POLL_MS, resolve));
    }
  }
}

/** What the API refused it with; undefined: nobody answered. */
function codeOf(error: unknown): number | undefined {
  if (error instanceof StatusError) return error.status.code;
  if (error instanceof ApiRefusal) return error.status;
  return error instanceof BootFailure && !(error instanceof ApiSilence) ? REFUSED : undefined;
}

async function configOf(client: ApiClient): Promise<MachineConfig> {
  const { namespace, name } = MACHINE_CONFIG;
  const path = objectPath({ group: "", version: "v1", plural: "configmaps" }, namespace, name);
  return configIn(
    await client.call<ConfigMap>("GET", path).catch((error: unknown) => {
      if (!(error instanceof StatusError) || (error.status.code !== 403 && error.status.code !== 404)) throw error;
      throw new BootFailure(`the cluster does not say what machines have to know (${error.message}): start it with \`troupe init\``);
    }),
  );
}

async function servingOf(files: MemberFiles, member: Membership): Promise<KeyPair> {
  const { serving } = files;
  return serving !== undefined && lifeOf([serving]).to_ms - clock.now_ms() > SERVING_LEFT_MS ? serving : requestServing(files, member);
}

/** The Node of a machine that comes back with another runtime says so. */
async function relabel(registry: ObjectWrites, objects: FollowedObjects, name: string, runtime: string): Promise<void> {
  const runs = (node: Node): boolean => node.metadata.labels?.[MACHINE_LABEL] === runtime;
  const labelled = (node: Node): Node => ({
    ...node,
    metadata: { ...node.metadata, labels: { ...node.metadata.labels, [MACHINE_LABEL]: runtime } },
  });
  const node = objects.get<Node & KubeObject>(`nodes/${name}`);
  if (node === undefined || runs(node)) return;
  await registry.modify(NodeKind, undefined, name, (current) => (runs(current) ? undefined : labelled(current)));
}

/** What drivers a life of this machine before had: a node may read it, and not follow it. */
async function bringCsiNode(client: ApiClient, objects: FollowedObjects, name: string): Promise<void> {
  try {
    objects.put(keyFor(CSINodeKind, undefined, name), await client.call("GET", objectPath(CSINodeKind, undefined, name)));
  } catch (error) {
    if (!(error instanceof StatusError) || error.status.code !== 404) throw error;
  }
}

/** At the address alone by which the API server reaches this machine. Throws BootFailure. */
async function listen(door: KubeletDoor, { kubeletPort, nodeIp }: JoinFlags, address: string): Promise<number> {
  const host = nodeIp === undefined ? address : EVERYWHERE;
  try {
    return await door.listen(kubeletPort ?? KUBELET_PORT, host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE" && kubeletPort === undefined) return door.listen(0, host);
    throw new BootFailure(`cannot listen on ${host}:${kubeletPort ?? KUBELET_PORT} (${code}); choose another with --kubelet-port P`);
  }
}

function renew(closers: Closers, log: Logger, what: string, pair: KeyPair, ask: () => Promise<KeyPair>): void {
  const renewal = new Renewal({ clock, random, log, what, life: lifeOf([pair]), renew: async () => lifeOf([await ask()]) });
  closers.add(() => renewal.cancel());
}
