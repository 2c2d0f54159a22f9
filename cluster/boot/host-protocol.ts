import type { MessagePort } from "node:worker_threads";
import type { EncryptionConfiguration } from "../../actors/mod.ts";
import type { SchedulerConfiguration } from "../../actors/scheduler/configuration/configuration.ts";
import type { LogLevel } from "../../runtime/mod.ts";
import type { AccessSettings } from "../access/settings.ts";
import type { AuditSettings } from "../audit/settings.ts";
import type { ControllerFlags } from "../command-line/controller-flags.ts";
import type { ServiceFlags } from "../command-line/service-flags.ts";
import type { NatsKeys } from "../nats/accounts.ts";
import type { NatsAddress } from "../nats/address.ts";
import type { KeyPair } from "../pki/issuing.ts";
import type { HostPlan } from "./layout.ts";
import type { ProcessSettings } from "./process-nodes.ts";

/** What the hosts have that serve the API and control the cluster: who has this can be anybody. */
export interface ControlSecrets {
  readonly access: AccessSettings;
  /** Signs what others ask to have certified. */
  readonly authority: KeyPair;
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
  readonly frontProxy: { readonly key: string; readonly cert: string; readonly ca: string };
  /** As whom machines that have joined are asked for logs and streams, and the authority by which they are known. */
  readonly kubeletClient: { readonly key: string; readonly cert: string; readonly ca: string };
  /** Of the cluster's own NATS server; undefined where others run it. */
  readonly natsKeys: NatsKeys | undefined;
}

/** What a host needs to know before it can start. Plain data: it is cloned into the thread. */
export interface HostOptions {
  readonly plan: HostPlan;
  readonly plans: readonly HostPlan[];
  readonly nats: NatsAddress;
  /** Names this life of the process. */
  readonly process: string;
  /** A log is made where there is none; false when there was one before, which JetStream then should know. */
  readonly mayMakeLog: boolean;
  /** The file of the store's high-water mark. */
  readonly highWaterFile: string;
  /** A snapshot of the store is taken after so many revisions; undefined: the store's own measure. */
  readonly snapshotRevisions: number | undefined;
  /** How far back watches can begin; undefined for the default. */
  readonly watchHistoryRevisions: number | undefined;
  /** Undefined: nothing is encrypted at rest. */
  readonly encryption: EncryptionConfiguration | undefined;
  readonly version: string;
  readonly logLevel: LogLevel;
  /** Where pods run. */
  readonly runtime: { readonly name: "hollow" } | ProcessSettings;
  /** Of pods that have a network of their own: a MachineRange. */
  readonly podCidr: string;
  /** At least this many nodes are played. */
  readonly nodes: number | undefined;
  /** Of what befalls hollow pods and nodes. */
  readonly seed: number;
  /** Documents of kwok's Stages, which have been found right. */
  readonly stages: readonly unknown[];
  /** Undefined: requests are not recorded. */
  readonly audit: AuditSettings | undefined;
  /** The cluster's authority, PEM. */
  readonly ca: string;
  readonly control: ControlSecrets;
  /** The path of the data directory. */
  readonly data: string;
  /** Tells the data directory of this process from those of others on the same store. */
  readonly directory: string;
  /** Where the API listens. */
  readonly apiHost: string;
  readonly apiPort: number;
  /** Undefined: Kubernetes' default. */
  readonly schedulerConfiguration: SchedulerConfiguration | undefined;
  /** How many schedulers share the pods. */
  readonly schedulers: number;
  readonly controllers: ControllerFlags;
  readonly services: ServiceFlags;
}

/** From the parent to a host. */
export type ToHost =
  /** Another host of this process can be reached by this port; one to the same host before is no good any more. Transferred. */
  | { readonly type: "peer"; readonly host: string; readonly port: MessagePort }
  /** Connect, and read the store to its end. The thread has loaded its code meanwhile. */
  | { readonly type: "start"; readonly options: HostOptions }
  /** All hosts are there: take up the roles. */
  | { readonly type: "begin" }
  /** Certificates that take the place of those before, which are about to end. */
  | { readonly type: "certificates"; readonly control: ControlSecrets }
  /** Finish what is under way, then end. */
  | { readonly type: "stop" };

/** From a host to the parent. */
export type FromHost =
  /** Connected, and its view of the store is complete. `copies` of it are kept; `caution` is for the user to know. */
  | { readonly type: "started"; readonly copies: number; readonly caution: string | undefined }
  /** Its roles are taken up; `port` where one of them is the gateway, `nodes` where one of them is the nodes. `cautions` are for the user to know. */
  | { readonly type: "begun"; readonly port?: number; readonly nodes?: number; readonly cautions: readonly string[] }
  | { readonly type: "stopped" }
  /** It cannot start or go on, for a reason to be shown to the user. */
  | { readonly type: "failed"; readonly message: string };
