import { volumeDirectoriesIn } from "../../actors/controllers/volumes/volume-directories.ts";
import { BUILT_IN_KINDS, type ControllersOptions, createControllerKind, type MetricsSource } from "../../actors/mod.ts";
import { machineRange } from "../../actors/node/cidr.ts";
import type { ActorKind, Message } from "../../runtime/mod.ts";
import { createCertifier } from "../access/certifier.ts";
import { RemoteCaller } from "../aggregation/remote-caller.ts";
import { RemoteServices } from "../aggregation/remote-services.ts";
import { untilNewest } from "../gateway/context.ts";
import { autoscalerMetrics } from "../resource-metrics/autoscaler-metrics.ts";
import { anyKinds, type Ground, recorderFor } from "./ground.ts";
import { kubeletsOf, usageReader } from "./nodes-to-play.ts";
import { residentsOf } from "./residents.ts";
import type { RoleContext } from "./role-context.ts";

/** Runs the controllers of the cluster. */
export async function beginControllers(context: RoleContext): Promise<void> {
  const { options, ground } = context;
  const { controllers, services, runtime } = options;
  const machineCidr = machineRange(options.podCidr)?.joined;
  const hearOfCsiPlugins = await csiPlugins(context);
  context.offer(
    controllerActors(ground, {
      ...(hearOfCsiPlugins === undefined ? {} : { hearOfCsiPlugins }),
      caCertificate: options.ca,
      certifier: createCertifier(context.control().authority, () => context.access().authorizer, ground.clock),
      signToken: (namespace, secret, account) => context.access().issuer.issueForSecret(namespace, secret, account),
      clusterCidrs: controllers.clusterCidrs,
      ...(machineCidr === undefined ? {} : { machineCidr }),
      balancerAddresses: services.balancerAddresses,
      ...(runtime.name === "hollow" ? {} : { volumeDirectories: volumeDirectoriesIn(runtime.volumesDirectory) }),
      machineVolumes: kubeletsOf(context),
      ...(services.ingressAddress === undefined ? {} : { ingressAddress: services.ingressAddress }),
      ...(controllers.endedPodsMax === undefined ? {} : { endedPodsMax: controllers.endedPodsMax }),
      ...(controllers.autoscalerPeriod_ms === undefined ? {} : { autoscalerPeriod_ms: controllers.autoscalerPeriod_ms }),
      metrics: metricsSource(context),
    }),
  );
  context.keep(residentsOf("controllers"));
}

/** What speaks to drivers is loaded where there are any. */
async function csiPlugins({ options, ground, log, atStop }: RoleContext): Promise<ControllersOptions["hearOfCsiPlugins"]> {
  const { csiSockets } = options.controllers;
  if (csiSockets.length === 0) return undefined;
  const { ControllerPlugins } = await import("../../actors/node/csi/controller-plugins.ts");
  const plugins = new ControllerPlugins(csiSockets, ground.clock, log);
  atStop(async () => plugins.close());
  return plugins.hear;
}

/** Where autoscalers ask. */
function metricsSource(context: RoleContext): MetricsSource {
  const { view, random, kinds } = context.ground;
  const services = new RemoteServices(view, () => false);
  context.atStop(async () => services.cancel());
  const caller = new RemoteCaller({ view, random, dialer: context.dialer, frontProxy: () => context.control().frontProxy });
  return autoscalerMetrics({ view, kinds, services, caller, usage: usageReader(context) });
}

export function controllerActors(
  ground: Ground,
  own: Omit<ControllersOptions, "view" | "registry" | "recorderFor" | "catchUp" | "kinds" | "hearOfCustom">,
): readonly ActorKind<Message>[] {
  const { view, store, registry, kinds } = ground;
  return anyKinds(
    createControllerKind({
      ...own,
      view,
      registry,
      recorderFor: (component) => recorderFor(ground, component),
      kinds: BUILT_IN_KINDS,
      hearOfCustom: (hear) => kinds.hearOfCustom(hear),
      // Another host's controller may have written a moment ago what this view does not show yet.
      catchUp: () => untilNewest({ view, store }),
    }),
  );
}
