import type { Container, Pod } from "../../kinds/generated/types.ts";
import type { ContainerMount, EnvVariable } from "../container-runtime.ts";

/** Prepares the devices of a pod's claims on its node. The life of a pod asks for them before its first container, and says when the last one has ended. */
export interface PodDevices {
  /** What drivers call the devices of each of the pod's claims. Called whenever containers are started. Throws DeviceFailure. */
  prepare(pod: Pod): Promise<PreparedClaims>;
  /** What it takes to give a container of the pod these devices. Throws RuntimeFailure of reason `CreateContainerError`. */
  edits(pod: Pod, cdiDevices: readonly string[]): Promise<DeviceEdits>;
  /**
   * Nothing of the pod runs any more. Claims that no other pod of the node uses are let go of; `hasRun`: also those that another Troupe may have had prepared. Throws
   * DeviceFailure, and then is called again.
   */
  unprepare(pod: Pod, hasRun: boolean): Promise<void>;
}

/** By the pod's name for the claim. */
export type PreparedClaims = ReadonlyMap<string, readonly PreparedDevice[]>;

export interface PreparedDevice {
  /** The requests that it is for; none: all of them. */
  readonly requests: readonly string[];
  /** In the Container Device Interface: `vendor.com/class=name`. */
  readonly cdiIds: readonly string[];
}

export interface DeviceEdits {
  readonly env: readonly EnvVariable[];
  readonly mounts: readonly ContainerMount[];
}

/** It could not be done now, in kubelet's words. */
export class DeviceFailure extends Error {
  override readonly name = "DeviceFailure";
}

export const NO_CLAIMS: PreparedClaims = new Map();

/** Those that a container gets: of all of a claim, or of one of its requests. */
export function cdiDevicesOf({ resources }: Container, prepared: PreparedClaims): readonly string[] {
  const devices = (resources?.claims ?? []).flatMap(({ name, request = "" }) =>
    (prepared.get(name) ?? []).filter(({ requests }) => request === "" || requests.length === 0 || requests.some(isOf(request))),
  );
  return [...new Set(devices.flatMap(({ cdiIds }) => cdiIds))];
}

/** A device may be for the alternative of a request that was chosen: `request/alternative`. */
const isOf = (request: string) => (name: string) => name === request || name.startsWith(`${request}/`);
