import { type Actor, type ActorKind, type Address, addressOf, type Context, unknownMessage } from "../../../runtime/mod.ts";
import type { Service } from "../../kinds/generated/types.ts";
import type { EventRecorder } from "../../registry/event-recorder.ts";
import { KeptDoor } from "../listening/kept-door.ts";
import { tellNotListening } from "../listening/troubles.ts";
import type { Viewpoint } from "../loopback-reach.ts";
import { namesIn } from "./cluster-names.ts";
import { DnsDoor } from "./dns-door.ts";
import { DNS_NAMESPACE, DNS_SERVICE } from "./dns-service.ts";
import { Resolver } from "./resolver.ts";
import { type Nameserver, Upstream } from "./upstream.ts";

/**
 * The cluster's nameserver, address `dns/main`. It promises that what the view shows has its names, at the address of the service `kube-dns`; and
 * where the port that resolvers ask at cannot be had, that it says so, answers at another one, and takes the right one as soon as it can.
 */
export type DnsMessage =
  | { readonly type: "start" }
  /** From itself: nobody can listen at this port. */
  | { readonly type: "cannotListen"; readonly port: number; readonly code: string };

export const DNS_ADDRESS: Address = addressOf("dns", "main");

const DNS_PORT = 53;
/** For those who may not have the port of the name service. */
const OTHER_PORT = 1_053;
const MAILBOX_MESSAGES = 1_024;

export interface DnsOptions extends Viewpoint {
  readonly recorder: Pick<EventRecorder, "event">;
  readonly clusterDomain: string;
  /** Where it listens: the address of the service. */
  readonly address: string;
  /** Who is asked about other names. */
  readonly upstreams: readonly Nameserver[];
}

export function createDnsKind(options: DnsOptions): ActorKind<DnsMessage> {
  return {
    kind: "dns",
    mailboxCapacity: MAILBOX_MESSAGES,
    supervision: { strategy: "restart", backoff_ms: 100, backoff_max_ms: 10_000 },
    activate: (context) => new DnsActor(context, options),
  };
}

class DnsActor implements Actor<DnsMessage> {
  readonly #context: Context<DnsMessage>;
  readonly #options: DnsOptions;
  readonly #resolver: Resolver;
  readonly #doors: KeptDoor[] = [];

  constructor(context: Context<DnsMessage>, options: DnsOptions) {
    this.#context = context;
    this.#options = options;
    const { clusterDomain: domain, address: nameserver } = options;
    const { clock, random, log } = context;
    // What this machine asks may be this very nameserver.
    const servers = options.upstreams.filter(({ address }) => address !== nameserver);
    const upstream = new Upstream({ servers, clock, random, log });
    this.#resolver = new Resolver({ names: namesIn(options), domain, nameserver, upstream, clock, random });
    this.#listen(DNS_PORT);
  }

  receive(message: DnsMessage): void {
    switch (message.type) {
      case "start":
        break;
      case "cannotListen":
        this.#cannotListen(message.port, message.code);
        break;
      default:
        unknownMessage(message);
    }
  }

  movesWith(): DnsMessage {
    return { type: "start" };
  }

  stopped(): void {
    for (const door of this.#doors) door.shut();
  }

  #listen(port: number): void {
    const { address } = this.#options;
    const { clock, self } = this.#context;
    const make = (): DnsDoor => new DnsDoor({ address, port, resolver: this.#resolver, clock });
    this.#doors.push(new KeptDoor(clock, make, (code) => this.#context.tell<DnsMessage>(self, { type: "cannotListen", port, code })));
  }

  #cannotListen(port: number, code: string): void {
    const { view, recorder, address } = this.#options;
    const metadata = view.get<Service>(`services/${DNS_NAMESPACE}/${DNS_SERVICE}`)?.metadata;
    tellNotListening({ log: this.#context.log, recorder }, metadata && { kind: "Service", apiVersion: "v1", metadata }, {
      what: `the nameserver cannot listen at ${address}:${port}`,
      port,
      code,
      meanwhile: port === DNS_PORT ? `answering at ${address}:${OTHER_PORT}, and trying again` : "trying again",
    });
    if (port === DNS_PORT && this.#doors.length === 1) this.#listen(OTHER_PORT);
  }
}
