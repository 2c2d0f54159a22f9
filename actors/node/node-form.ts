import type { ContainerImage, NodeRuntimeHandler, NodeSystemInfo } from "../kinds/generated/types.ts";
import type { AddressPlan } from "./cidr.ts";

/** What a node has to offer, as quantities. */
export interface NodeShape {
  readonly cpu: string;
  readonly memory: string;
  readonly ephemeralStorage: string;
  readonly pods: string;
}

/** Where a machine that has joined is reached, and the port of what asks it for logs and streams. */
export interface NodeDoor {
  readonly address: string;
  readonly port: number;
}

/** What runtimes may be able to do or not, as nodes say it. */
export interface RuntimeFeatures {
  /** Ways in which a RuntimeClass may want a pod run; the usual one has no name. */
  readonly handlers: readonly NodeRuntimeHandler[];
  readonly supplementalGroupsPolicy: boolean;
}

/** How the nodes of a runtime look. Node `index` has its number's addresses. */
export interface NodeForm {
  /** The label of its Nodes whose value is `runtime`: RUNTIME_LABEL, or MACHINE_LABEL where the node is a machine that has joined. */
  readonly label: string;
  readonly runtime: string;
  /** What a new Node is called. */
  nodeName(number: number): string;
  readonly addresses: AddressPlan;
  labels(index: number): Readonly<Record<string, string>>;
  readonly architecture: string;
  readonly capacity: NodeShape;
  /** What of it is for pods. */
  readonly allocatable: NodeShape;
  /** Capacity that somebody has edited stays: it is nobody's truth. */
  readonly isImagined: boolean;
  /** Why no pod can run on it now; undefined, as where it is absent: they can. */
  trouble?(): string | undefined;
  /** What images it has; absent: nobody knows. */
  images?(): readonly ContainerImage[];
  /** Absent: pods that are nothing but states have no features. */
  features?(): RuntimeFeatures;
  /** Where the machine is reached that the node stands for; absent: nodes have the addresses of the plan, and no door. */
  readonly door?: NodeDoor;
  info(name: string): Omit<NodeSystemInfo, "kubeletVersion" | "kubeProxyVersion" | "operatingSystem">;
}
