import type { TokenRequest } from "../../actors/kinds/generated/types.ts";
import {
  createFleetKind,
  createHollowRuntime,
  createHollowUsage,
  createNodeKind,
  createPodKind,
  fates,
  HOLLOW_FORM,
  type KubeObject,
  type Node,
  type NodeForm,
  type Pod,
} from "../../actors/mod.ts";
import { HOLLOW_ADDRESSES } from "../../actors/node/cidr.ts";
import { DNS_ADDRESS_NUMBER } from "../../actors/node/dns/dns-service.ts";
import { VolumeFailure } from "../../actors/node/pod-volumes.ts";
import type { IssueToken } from "../../actors/node/volumes/pod-tokens.ts";
import { addressInRange } from "../../actors/registry/service-range.ts";
import type { ObjectView } from "../../actors/store/view.ts";
import type { ActorKind, Logger, Message, Random } from "../../runtime/mod.ts";
import { anyKinds, type NodeGround } from "../boot/ground.ts";
import type { HostOptions } from "../boot/host-protocol.ts";
import { processNodes } from "../boot/process-nodes.ts";
import type { Resident } from "../boot/residents.ts";
import { serviceActors } from "../boot/service-actors.ts";
import type { JoinFlags } from "../joining/flags.ts";
import type { ApiClient } from "./api-client.ts";
import { objectPath } from "./api-paths.ts";
import type { MachineConfig } from "./machine-config.ts";
import { type MachineFacts, machineNode } from "./machine-node.ts";

export interface MachineActorsOptions {
  readonly facts: MachineFacts;
  readonly runtime: HostOptions["runtime"];
  readonly flags: Pick<JoinFlags, "seed" | "proxy" | "dns" | "dnsUpstreams">;
  readonly config: MachineConfig;
  /** With the Nodes of other machines. */
  readonly machines: ObjectView;
  readonly client: Pick<ApiClient, "call">;
  readonly random: Random;
  readonly log: Logger;
}

/** What lives on a machine that has joined. */
export interface MachineActors {
  readonly kinds: readonly ActorKind<Message>[];
  readonly residents: readonly Resident[];
  /** What this machine cannot do for pods, for people. */
  readonly cautions: readonly string[];
  /** Ends pods of which the API knows nothing any more. */
  clearOrphans(): Promise<void>;
  /** What runs goes on. */
  close(): Promise<void>;
}

/** The actors of the one node that this machine is. Throws BootFailure. */
export function machineActors(ground: NodeGround, options: MachineActorsOptions): Promise<MachineActors> {
  const { facts, runtime } = options;
  const formOf = (form: NodeForm): NodeForm => machineNode(form, facts);
  return runtime.name === "hollow" ? hollowActors(ground, options, formOf(HOLLOW_FORM)) : processActors(ground, options, runtime, formOf);
}

async function hollowActors(ground: NodeGround, { flags, random }: MachineActorsOptions, form: NodeForm): Promise<MachineActors> {
  const { view, registry, clock } = ground;
  const fate = fates(flags.seed);
  const recorder = ground.recorderFor("kubelet");
  const runtime = createHollowRuntime(clock, random, { fate });
  const usageOf = createHollowUsage(view, () => random.next());
  return {
    kinds: anyKinds(
      createFleetKind({ view, form }),
      createNodeKind({ view, registry, form, recorder, fate, usageOf }),
      createPodKind({ view, registry, recorder, runtime }),
    ),
    residents: [],
    cautions: [],
    async clearOrphans() {},
    async close() {},
  };
}

async function processActors(
  ground: NodeGround,
  { facts, flags, config, machines, client, log }: MachineActorsOptions,
  settings: Exclude<HostOptions["runtime"], { readonly name: "hollow" }>,
  formOf: (form: NodeForm) => NodeForm,
): Promise<MachineActors> {
  const { serviceRange: range, clusterDomain, podRanges, routes } = config;
  const rangeGiven = (): string | undefined => ground.view.get<Node & KubeObject>(`nodes/${facts.name}`)?.spec?.podCIDR;
  const pods = settings.name === "process" ? () => undefined : rangeGiven;
  const proxy = config.forwarded ? flags.proxy : undefined;
  const place = { ranges: podRanges, pods, own: [], nodes: [], routes };
  const processes = await processNodes(ground, {
    settings,
    nodes: 1,
    network: { addresses: HOLLOW_ADDRESSES, place },
    others: machines,
    services: proxy !== undefined ? range : undefined,
    dns: { addresses: config.dns ? [addressInRange(range, DNS_ADDRESS_NUMBER)] : [], domain: clusterDomain },
    issueToken: issueTokenBy(client),
    formOf,
    log,
  });
  const services = {
    proxy,
    dns: config.dns && (flags.dns ?? proxy !== undefined),
    range,
    clusterDomain,
    dnsUpstreams: flags.dnsUpstreams,
    ingressAddress: undefined,
  };
  const { kinds, residents, cautions } = await serviceActors(ground, services, processes.form, facts.data);
  return {
    kinds: [...processes.kinds, ...kinds],
    residents: [...processes.residents, ...residents],
    cautions: [...processes.cautions, ...cautions],
    async clearOrphans() {
      await processes.clearOrphans();
      processes.registerPlugins();
    },
    close: () => processes.close(),
  };
}

/** A token of a pod's service account, as a node may ask for one: for a pod of its own. */
function issueTokenBy(client: Pick<ApiClient, "call">): IssueToken {
  return async ({ metadata, spec }: Pod, audience, expirationSeconds) => {
    const { namespace, name, uid } = metadata;
    const path = objectPath(
      { group: "", version: "v1", plural: "serviceaccounts" },
      namespace,
      spec.serviceAccountName ?? "default",
      "token",
    );
    const boundObjectRef = { apiVersion: "v1", kind: "Pod", name, uid };
    const asked = { spec: { audiences: audience === undefined ? [] : [audience], expirationSeconds, boundObjectRef } };
    try {
      const { status } = await client.call<TokenRequest & { readonly metadata: Pod["metadata"] }>("POST", path, asked);
      return status?.token ?? "";
    } catch (error) {
      throw new VolumeFailure(`failed to fetch token: ${(error as Error).message}`);
    }
  };
}
