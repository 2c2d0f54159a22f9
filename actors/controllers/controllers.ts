import type { ActorKind } from "../../runtime/mod.ts";
import type { Kind } from "../kinds/kind.ts";
import { bootstrapSigner } from "./accounts/bootstrap-signer.ts";
import { bootstrapTokenCleaner } from "./accounts/bootstrap-token-cleaner.ts";
import { clusterRoleAggregationController } from "./accounts/cluster-role-aggregation.ts";
import { legacyTokenCleaner } from "./accounts/legacy-token-cleaner.ts";
import { rootCaPublisher } from "./accounts/root-ca-publisher.ts";
import { serviceAccountController } from "./accounts/service-account.ts";
import { type SecretTokens, serviceAccountTokensController } from "./accounts/service-account-tokens.ts";
import { autoscalerController, SYNC_PERIOD_MS } from "./autoscaling/autoscaler.ts";
import type { MetricsSource } from "./autoscaling/metrics-source.ts";
import { certificateApprovalController } from "./certificates/certificate-approval.ts";
import { certificateCleaner } from "./certificates/certificate-cleaner.ts";
import { certificateSigningController } from "./certificates/certificate-signing.ts";
import type { Certifier } from "./certificates/certificates.ts";
import type { Controller, HearOfCustom } from "./controller.ts";
import { type ControllerDependencies, type ControllerMessage, controllerKind } from "./controller-actor.ts";
import type { HearOfPlugins } from "./csi/controller-plugin.ts";
import { csiAttacher } from "./csi/csi-attacher.ts";
import { csiCapacity } from "./csi/csi-capacity.ts";
import { csiProvisioner } from "./csi/csi-provisioner.ts";
import { csiResizer } from "./csi/csi-resizer.ts";
import { daemonSetController } from "./daemonset/daemonset.ts";
import { deploymentController } from "./deployment/deployment.ts";
import { resourceClaimController } from "./devices/resource-claim.ts";
import { disruptionController } from "./disruption.ts";
import { eventExpiryController } from "./garbage/event-expiry.ts";
import { garbageCollector } from "./garbage/garbage-collector.ts";
import { cronJobController } from "./job/cronjob.ts";
import { jobController } from "./job/job.ts";
import { ttlAfterFinishedController } from "./job/ttl-after-finished.ts";
import { learnController } from "./learn/learn.ts";
import { namespaceController } from "./namespace.ts";
import { type ClusterCidr, nodeIpamController } from "./nodes/node-ipam.ts";
import { nodeLifecycleController } from "./nodes/node-lifecycle.ts";
import { nodeTtlController } from "./nodes/node-ttl.ts";
import { taintEvictionController } from "./nodes/taint-eviction.ts";
import { podGarbageCollector } from "./pods/pod-garbage-collector.ts";
import { podGroupController } from "./pods/pod-group.ts";
import { policyTypesController } from "./policy-types.ts";
import { replicaSetController, replicationController } from "./replicaset/replicaset.ts";
import { resourceQuotaController } from "./resource-quota.ts";
import type { AddressRange } from "./services/address-pool.ts";
import { endpointsController } from "./services/endpoints.ts";
import { endpointSliceController } from "./services/endpointslice.ts";
import { endpointSliceMirroringController } from "./services/endpointslice-mirroring.ts";
import { ingressStatusController } from "./services/ingress-status.ts";
import { loadBalancerController } from "./services/load-balancer.ts";
import { serviceCidrController } from "./services/service-cidr.ts";
import { statefulSetController } from "./statefulset/statefulset.ts";
import { attachDetachController } from "./volumes/attach-detach.ts";
import { attributesProtectionController } from "./volumes/attributes-protection.ts";
import { ephemeralVolumeController } from "./volumes/ephemeral-volume.ts";
import { persistentVolumeController } from "./volumes/persistent-volume.ts";
import type { MachineVolumes, VolumeDirectories } from "./volumes/volume-directories.ts";
import { volumeExpansionController } from "./volumes/volume-expansion.ts";
import { claimProtectionController, volumeProtectionController } from "./volumes/volume-protection.ts";
import { volumeProvisioner } from "./volumes/volume-provisioner.ts";

export interface ControllersOptions extends ControllerDependencies {
  /** Every kind that the API serves: what the garbage and the namespace controllers look after. */
  readonly kinds: readonly Kind[];
  /** Where kinds that come later are heard of. */
  readonly hearOfCustom?: HearOfCustom;
  /** The cluster's CA certificate, PEM, for the ConfigMap `kube-root-ca.crt` of every namespace. */
  readonly caCertificate: string;
  /** Default: nobody, and requests for certificates stay as they are. */
  readonly certifier?: Certifier;
  /** Default: nobody, and secrets for tokens stay empty. */
  readonly signToken?: SecretTokens["sign"];
  /** What nodes get the ranges of their pods from; default: others give them, or nobody. */
  readonly clusterCidrs?: readonly ClusterCidr[];
  /** What machines that have joined get them from where nothing else is said, and their pods have a network; default: others give them. */
  readonly machineCidr?: string;
  /** The oldest pods that have ended are deleted when more have; 0: all stay. */
  readonly endedPodsMax?: number;
  /** How often autoscalers look; as often as Kubernetes' by default. */
  readonly autoscalerPeriod_ms?: number;
  /** What services of type LoadBalancer get their addresses from; default: others give them, or nobody. */
  readonly balancerAddresses?: readonly AddressRange[];
  /** Where ingresses are served; default: somewhere else, or nowhere. */
  readonly ingressAddress?: string;
  /** Where volumes are made on demand; default: nobody makes any. */
  readonly volumeDirectories?: VolumeDirectories;
  /** The same on machines that have joined; default: there are none. */
  readonly machineVolumes?: MachineVolumes;
  /** CSI drivers whose controller's side is called from here; default: their sidecars call it, or nobody. */
  readonly hearOfCsiPlugins?: HearOfPlugins;
  /** Default: nobody measures anything. */
  readonly metrics?: MetricsSource;
}

/** Source: --terminated-pod-gc-threshold. */
export const ENDED_PODS_MAX = 12_500;

const nobody = (): Promise<never> => Promise.reject(new Error("nobody signs here"));
const unmeasured = (): Promise<never> => Promise.reject(new Error("the server could not find the requested resource"));
const NO_METRICS: MetricsSource = { usage: unmeasured, ofPods: unmeasured, ofObject: unmeasured, external: unmeasured };
const NO_CERTIFIER: Certifier = { read: nobody, sign: nobody, mayHave: async () => false };

/** All controllers. One more is one more file and one more line here. Each call makes new ones, with nothing remembered. */
export function allControllers(options: Omit<ControllersOptions, keyof ControllerDependencies>): readonly Controller[] {
  const { caCertificate, hearOfCustom, certifier = NO_CERTIFIER, signToken = nobody, metrics = NO_METRICS } = options;
  const { clusterCidrs = [], balancerAddresses = [], endedPodsMax = ENDED_PODS_MAX, autoscalerPeriod_ms = SYNC_PERIOD_MS } = options;
  // Other versions of a kind show the same objects.
  const kinds = options.kinds.filter(({ stored }) => stored === undefined);
  return [
    deploymentController,
    replicaSetController,
    replicationController,
    statefulSetController,
    daemonSetController(),
    jobController(),
    cronJobController(),
    ttlAfterFinishedController,
    garbageCollector(options.kinds, hearOfCustom),
    namespaceController(kinds, hearOfCustom),
    serviceAccountController,
    rootCaPublisher(caCertificate),
    serviceAccountTokensController({ sign: signToken, caCertificate }),
    legacyTokenCleaner,
    certificateApprovalController(certifier),
    certificateSigningController(certifier),
    certificateCleaner,
    bootstrapSigner,
    bootstrapTokenCleaner,
    nodeIpamController(clusterCidrs, options.machineCidr),
    nodeLifecycleController(),
    nodeTtlController,
    clusterRoleAggregationController,
    taintEvictionController(),
    podGarbageCollector(endedPodsMax),
    podGroupController(hearOfCustom),
    endpointsController(),
    endpointSliceController(),
    endpointSliceMirroringController,
    serviceCidrController,
    loadBalancerController(balancerAddresses),
    ingressStatusController(options.ingressAddress),
    disruptionController(kinds, hearOfCustom),
    eventExpiryController(),
    resourceQuotaController(kinds, hearOfCustom),
    autoscalerController(metrics, options.kinds, hearOfCustom, autoscalerPeriod_ms),
    policyTypesController(options.kinds),
    persistentVolumeController(options.volumeDirectories),
    attachDetachController(),
    ephemeralVolumeController,
    resourceClaimController,
    volumeExpansionController,
    volumeProvisioner(options.volumeDirectories, options.machineVolumes),
    csiProvisioner(options.hearOfCsiPlugins),
    csiAttacher(options.hearOfCsiPlugins),
    csiResizer(options.hearOfCsiPlugins),
    csiCapacity(options.hearOfCsiPlugins),
    claimProtectionController(),
    learnController(kinds, hearOfCustom),
    volumeProtectionController(),
    attributesProtectionController,
  ];
}

/** The names of all controllers: `controller/<name>` is the address to send `{ type: "start" }`. */
export const CONTROLLER_NAMES: readonly string[] = allControllers({ kinds: [], caCertificate: "" }).map(({ name }) => name);

/** The actor kind `controller`. Register it with the host whose view it reads. */
export function createControllerKind(options: ControllersOptions): ActorKind<ControllerMessage> {
  return controllerKind(() => allControllers(options), options);
}
