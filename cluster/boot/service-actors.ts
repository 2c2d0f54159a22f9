import { createDnsKind, DNS_ADDRESS } from "../../actors/node/dns/dns.ts";
import { DNS_ADDRESS_NUMBER } from "../../actors/node/dns/dns-service.ts";
import { machineResolver } from "../../actors/node/dns/resolv-conf.ts";
import type { Nameserver } from "../../actors/node/dns/upstream.ts";
import { createIngressKind, INGRESS_ADDRESS } from "../../actors/node/ingress/ingress.ts";
import type { NodeForm } from "../../actors/node/node-form.ts";
import { type FoundNftables, findNftables } from "../../actors/node/proxy/nftables/nft.ts";
import { createServiceProxyKind, SERVICE_PROXY_ADDRESS } from "../../actors/node/proxy/service-proxy.ts";
import { ThreadedForwarder } from "../../actors/node/proxy/threaded-forwarder.ts";
import { addressInRange } from "../../actors/registry/service-range.ts";
import type { ActorKind, Message } from "../../runtime/mod.ts";
import type { ServiceFlags } from "../command-line/service-flags.ts";
import { isOfThisMachine } from "../outbound/own-address.ts";
import { BootFailure } from "./failure.ts";
import { anyKinds, type NodeGround } from "./ground.ts";
import type { Resident } from "./residents.ts";

const DNS_PORT = 53;

export type ServicesHere = Pick<ServiceFlags, "proxy" | "dns" | "range" | "clusterDomain" | "dnsUpstreams" | "ingressAddress">;

export interface ServiceActors {
  readonly kinds: readonly ActorKind<Message>[];
  readonly residents: readonly Resident[];
  /** What this machine cannot do for services, for people. */
  readonly cautions: readonly string[];
}

/**
 * The actors that make services real on this machine, and what wakes them. `nodes` are those that it plays, `data` is the data directory, by which rules in the kernel are known.
 * Throws BootFailure.
 */
export async function serviceActors(
  ground: NodeGround,
  { proxy, dns, range, clusterDomain, dnsUpstreams, ingressAddress }: ServicesHere,
  nodes: Pick<NodeForm, "label" | "runtime">,
  data: string,
): Promise<ServiceActors> {
  const { view, clock } = ground;
  const from = { view, nodes, isOwn: isOfThisMachine };
  const kinds: unknown[] = [];
  const residents: Resident[] = [];
  const nftables = proxy === "nftables" ? await nftablesOfMachine(data) : undefined;
  if (proxy !== undefined) {
    kinds.push(
      createServiceProxyKind({
        ...from,
        recorder: ground.recorderFor("kube-proxy"),
        createForwarder: (report, failed) => new ThreadedForwarder(clock, { nftables }, report, failed),
      }),
    );
    residents.push({ address: SERVICE_PROXY_ADDRESS, message: { type: "start" } });
  }
  if (dns) {
    const address = addressInRange(range, DNS_ADDRESS_NUMBER);
    const upstreams = dnsUpstreams ?? (await nameserversOfMachine());
    kinds.push(createDnsKind({ ...from, recorder: ground.recorderFor("kube-dns"), clusterDomain, address, upstreams }));
    residents.push({ address: DNS_ADDRESS, message: { type: "start" } });
  }
  if (ingressAddress !== undefined) {
    kinds.push(createIngressKind({ ...from, recorder: ground.recorderFor("ingress-controller"), address: ingressAddress }));
    residents.push({ address: INGRESS_ADDRESS, message: { type: "start" } });
  }
  return { kinds: anyKinds(...kinds), residents, cautions: nftables?.wants ?? [] };
}

async function nftablesOfMachine(data: string): Promise<FoundNftables> {
  try {
    return await findNftables(data);
  } catch (error) {
    throw new BootFailure(
      `--service-proxy nftables cannot run here: ${(error as Error).message}; or leave it out, and services are forwarded in userspace`,
    );
  }
}

/** None where the machine has none. */
async function nameserversOfMachine(): Promise<readonly Nameserver[]> {
  const { nameservers } = await machineResolver();
  return nameservers.map((address) => ({ address, port: DNS_PORT }));
}
