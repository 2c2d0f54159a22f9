import { EndpointSliceKind } from "../../actors/kinds/discovery/endpoint-slice.ts";
import { ResourceSliceKind } from "../../actors/kinds/resource/resource-slice.ts";
import { CSIDriverKind } from "../../actors/kinds/storage/csi-driver.ts";
import { type Kind, MACHINE_LABEL, NamespaceKind, NodeKind, PodKind, ServiceKind } from "../../actors/mod.ts";
import { FollowedObjects } from "./followed-objects.ts";
import { PodReferences } from "./pod-references.ts";
import { Reflector, type ReflectorWorld } from "./reflector.ts";

/** What a machine that has joined sees of its cluster. */
export interface MachineView {
  readonly objects: FollowedObjects;
  readonly references: PodReferences;
  /** The Nodes of all machines that have joined, this one's too. They are apart, since what is among its objects is this machine's to play. */
  readonly machines: FollowedObjects;
  /** Resolves when all has been read once. */
  readonly complete: Promise<unknown>;
  stop(): void;
}

/** Its Node and the pods that are bound to it; where those are real, also services and what is behind them, what is said of its devices, the other machines, and what the pods refer to. */
export function followMachine(surroundings: Omit<ReflectorWorld, "objects">, node: string, realPods: boolean): MachineView {
  const objects = new FollowedObjects(surroundings.log);
  const world: ReflectorWorld = { ...surroundings, objects };
  const follow = (kind: unknown, fieldSelector?: string): Reflector =>
    new Reflector(world, { kind: kind as Kind, ...(fieldSelector === undefined ? {} : { fieldSelector }) });
  // What is not here is ended, so nothing may begin before these are known.
  const own = [follow(NodeKind, `metadata.name=${node}`), follow(PodKind, `spec.nodeName=${node}`)];
  const others = realPods ? [ServiceKind, EndpointSliceKind, NamespaceKind, CSIDriverKind].map((kind) => follow(kind)) : [];
  if (realPods) others.push(follow(ResourceSliceKind, `spec.nodeName=${node}`));
  const machines = new FollowedObjects(surroundings.log);
  if (realPods) others.push(new Reflector({ ...surroundings, objects: machines }, { kind: NodeKind, labelSelector: MACHINE_LABEL }));
  const references = new PodReferences(world);
  return {
    objects,
    references,
    machines,
    complete: Promise.all([...own.map(({ listed }) => listed), ...others.map(({ asked }) => asked)]),
    stop() {
      references.stop();
      for (const reflector of [...own, ...others]) reflector.stop();
    },
  };
}
