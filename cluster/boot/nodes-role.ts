import { isIPv4 } from "node:net";
import {
  createFleetKind,
  createHollowRuntime,
  createHollowUsage,
  createNodeKind,
  createPodKind,
  createStagePlayerKind,
  type Fate,
  FLEET_ADDRESS,
  type FleetMessage,
  fates,
  HOLLOW_FORM,
  type Node,
  type NodeRuntime,
  RUNTIME_LABEL,
  Stages,
  type UsageOf,
} from "../../actors/mod.ts";
import { type AddressPlan, atMachine, machineRange } from "../../actors/node/cidr.ts";
import { DNS_ADDRESS_NUMBER } from "../../actors/node/dns/dns-service.ts";
import type { NetworkPlace } from "../../actors/node/pod-network/place.ts";
import { addressInRange } from "../../actors/registry/service-range.ts";
import type { ActorKind, Message } from "../../runtime/mod.ts";
import { BootFailure } from "./failure.ts";
import { anyKinds, type Ground, nodeGround, recorderFor } from "./ground.ts";
import type { HostOptions } from "./host-protocol.ts";
import { nodesToPlay } from "./nodes-to-play.ts";
import { podRanges } from "./pod-ranges.ts";
import { podToken } from "./pod-token.ts";
import type { ProcessNodes, ProcessSettings } from "./process-nodes.ts";
import { residentsOf } from "./residents.ts";
import type { RoleContext } from "./role-context.ts";

const NODES_READY_DEADLINE_MS = 120_000;

/** Brings the actors that play nodes: these, or hollow ones. */
function offerNodes(context: RoleContext, processes?: ProcessNodes): void {
  const { options, log, ground } = context;
  const { view, registry, kinds, clock, random } = ground;
  const fate = fates(options.seed);
  const stages = new Stages({
    view,
    registry,
    recorder: recorderFor(ground, "kubelet"),
    fate,
    clock,
    kinds,
    log,
    documents: options.stages,
    version: options.version,
  });
  context.atStop(async () => stages.close());
  context.offer(stageActors(stages));
  if (processes !== undefined) {
    context.offer(processes.kinds);
    return;
  }
  const runtime = createHollowRuntime(clock, random, { fate });
  const usageOf = createHollowUsage(view, () => random.next());
  context.offer(nodeActors(ground, { runtime, fate, usageOf, stages }));
}

/** What came of it that a host plays nodes. */
interface NodesBegun {
  /** How many are Ready, where it leads the fleet. */
  readonly ready: number | undefined;
  /** What this machine cannot do for pods. */
  readonly cautions: readonly string[];
}

/** Plays the nodes; the first of the hosts with nodes also leads the fleet and waits until all have reported. */
export async function beginNodes(context: RoleContext): Promise<NodesBegun> {
  const { options, ground, messenger } = context;
  const { view } = ground;
  const { runtime, plans, plan } = options;
  const played = view.list("nodes").filter((entry) => view.decode<Node>(entry).metadata.labels?.[RUNTIME_LABEL] === runtime.name);
  const nodes = nodesToPlay(options.nodes, played.length, runtime.name);
  const processes = runtime.name === "hollow" ? undefined : await openProcesses(context, runtime, nodes);
  offerNodes(context, processes);
  const leads = plans.find(({ roles }) => roles.includes("nodes"))?.name === plan.name;
  if (leads) {
    await processes?.clearOrphans();
    processes?.registerPlugins();
  }
  context.keep([...residentsOf("nodes"), ...(processes?.residents ?? [])]);
  const ofServices = await beginServices(context);
  const cautions = leads ? [...(processes?.cautions ?? []), ...ofServices] : [];
  if (!leads) return { ready: undefined, cautions };
  const start: FleetMessage = { type: "start", nodes };
  const { ready } = await messenger.ask<{ ready: number }>(FLEET_ADDRESS, start, { deadline_ms: NODES_READY_DEADLINE_MS });
  return { ready, cautions };
}

/** Forwards services and answers for their names, where that is wanted; on one of the hosts with nodes each. What this machine cannot do of it, for people. */
async function beginServices(context: RoleContext): Promise<readonly string[]> {
  const { runtime, services, data } = context.options;
  const { proxy, dns, ingressAddress } = services;
  if (proxy === undefined && !dns && ingressAddress === undefined) return [];
  const { serviceActors } = await import("./service-actors.ts");
  const nodes = { label: RUNTIME_LABEL, runtime: runtime.name };
  const { kinds, residents, cautions } = await serviceActors(nodeGround(context.ground), services, nodes, data);
  context.offer(kinds);
  context.keep(residents);
  return cautions;
}

async function openProcesses(context: RoleContext, settings: ProcessSettings, nodes: number): Promise<ProcessNodes> {
  const { options, log, ground } = context;
  const { services, apiHost } = options;
  const { processNodes } = await import("./process-nodes.ts");
  const processes = await processNodes(nodeGround(ground), {
    settings,
    nodes,
    network: firstMachine(options, nodes),
    formOf: (form) => (isIPv4(apiHost) && !apiHost.startsWith("127.") ? { ...form, addresses: atMachine(form.addresses, apiHost) } : form),
    services: services.proxy !== undefined ? services.range : undefined,
    dns: {
      addresses: services.dns ? [addressInRange(services.range, DNS_ADDRESS_NUMBER)] : [],
      domain: services.clusterDomain,
    },
    log,
    issueToken: (pod, audience, seconds) => podToken(ground.view, context.access(), pod, audience, seconds),
  });
  context.atStop(() => processes.close());
  return processes;
}

/** The part that the cluster's own machine has in the network of pods. */
function firstMachine(
  { podCidr, controllers }: HostOptions,
  nodes: number,
): { readonly addresses: AddressPlan; readonly place: NetworkPlace } {
  const range = machineRange(podCidr);
  if (range === undefined) throw new BootFailure(`${podCidr} is no range for pods`);
  const { addresses, pods, own } = range;
  const place = {
    ranges: podRanges(podCidr, controllers.clusterCidrs),
    pods: () => pods,
    own: [own],
    nodes: Array.from({ length: nodes }, (_, index) => addresses.nodeAddressOf(index)),
    routes: [],
  };
  return { addresses, place };
}

/** How hollow nodes are played. */
export interface NodesPlayed {
  readonly runtime: NodeRuntime;
  readonly fate: Fate;
  readonly usageOf: UsageOf;
  readonly stages: Stages;
}

export function nodeActors(ground: Ground, { runtime, fate, usageOf, stages }: NodesPlayed): readonly ActorKind<Message>[] {
  const { view, registry } = ground;
  const recorder = recorderFor(ground, "kubelet");
  return anyKinds(
    createFleetKind({ view, form: HOLLOW_FORM, stages }),
    createNodeKind({ view, registry, form: HOLLOW_FORM, recorder, fate, usageOf, stages }),
    createPodKind({ view, registry, recorder, runtime, stages }),
  );
}

/** Plays stages of whatever kind. */
export function stageActors(stages: Stages): readonly ActorKind<Message>[] {
  return anyKinds(createStagePlayerKind(stages));
}
