import type { NodeSystemInfo } from "../kinds/generated/types.ts";
import type { AddressPlan } from "./cidr.ts";

/** What a node has to offer, as quantities. */
export interface NodeShape {
  readonly cpu: string;
  readonly memory: string;
  readonly ephemeralStorage: string;
  readonly pods: string;
}

/** How the nodes of a runtime look. Node `index` has its number's addresses. */
export interface NodeForm {
  /** The value of the label RUNTIME_LABEL. */
  readonly runtime: string;
  readonly addresses: AddressPlan;
  labels(index: number): Readonly<Record<string, string>>;
  readonly architecture: string;
  readonly capacity: NodeShape;
  /** What of it is for pods. */
  readonly allocatable: NodeShape;
  /** Capacity that somebody has edited stays: it is nobody's truth. */
  readonly isImagined: boolean;
  info(name: string): Omit<NodeSystemInfo, "kubeletVersion" | "kubeProxyVersion" | "operatingSystem">;
}
