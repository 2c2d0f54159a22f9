import type { Key } from "../../store/transaction.ts";

/** The seam between what is to be forwarded, which is worked out purely, and who does it: a process by its own ports, and the kernel by nftables where that is wanted. */

export type ForwardedProtocol = "TCP" | "UDP";

/** Where an endpoint listens. */
export interface Target {
  readonly address: string;
  readonly port: number;
}

/** Where clients come in. */
export interface Entrance {
  readonly address: string;
  readonly port: number;
  /** Which of the port's targets its clients are led to. */
  readonly traffic: "internal" | "external";
  /** Who may come, as IPv4 prefixes; empty: everybody. */
  readonly sources: readonly string[];
}

/** One port of a service. Entrances to which there is no target are left out: who comes there is to be refused at once. */
export interface PortForwarding {
  readonly name: string;
  readonly protocol: ForwardedProtocol;
  /** How long after its last connection a client is led to the same target; 0: not at all. */
  readonly affinity_ms: number;
  readonly entrances: readonly Entrance[];
  readonly internal: readonly Target[];
  readonly external: readonly Target[];
  /** External targets are on this machine, and are to see who comes where that can be. */
  readonly keepsClients: boolean;
}

/** What tells load balancers whether this node has endpoints of the service. */
export interface HealthCheck {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly localEndpoints: number;
}

/** All of one service, or the host ports of one pod. */
export interface ServiceForwarding {
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly PortForwarding[];
  readonly healthCheck: HealthCheck | undefined;
}

export type ForwarderReport =
  /** A place where nobody can listen, and why, as the system says it: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`. */
  | {
      readonly type: "cannotListen";
      /** Or a pod, of whose host ports one it is. */
      readonly service: Key;
      readonly protocol: ForwardedProtocol;
      readonly address: string;
      readonly port: number;
      readonly code: string;
    }
  /** The kernel does not take the rules by which it was to forward. */
  | { readonly type: "rulesRefused"; readonly error: string };

/** Does the forwarding. What cannot be done is reported once, tried again, and holds up nothing else. */
export interface Forwarder {
  /** From now on the service, or the pod with host ports, is forwarded so, or no more. Connections that stand are left alone. */
  apply(service: Key, forwarding: ServiceForwarding | undefined): void;
  close(): Promise<void>;
}
