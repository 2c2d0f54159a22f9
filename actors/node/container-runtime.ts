/**
 * The plug behind which real containers run, in the shape of Kubernetes' Container Runtime Interface and as small as the life of a pod needs it
 * (actors/pod/life): `process`, `sandbox` and `cri`. Hollow pods have a plug of their own, `Runtime`, which takes a pod as a whole: they
 * cost next to nothing and must go on doing so. Why there are two: docs/adr/0031.
 *
 * A runtime decides nothing: it neither reads the API nor starts anything again. What it was told to run goes on when Troupe ends, and is found
 * again by `observe`. All methods may be called again after a failure.
 */
import type { ResourceRequirements } from "../kinds/generated/types.ts";
import type { Subscription } from "../store/view.ts";
import type { ResolverConfig } from "./dns/resolv-conf.ts";
import type { StreamAsked, StreamDoor } from "./streaming/stream-door.ts";
import type { ContainerUsage } from "./usage/usage.ts";

export interface ContainerRuntime {
  /** `process`, `sandbox`, `cri`: the value of the label RUNTIME_LABEL on its nodes. */
  readonly name: string;
  /** Of its containers' IDs in the API; absent: its name. */
  readonly scheme?: string;
  /** It finds out itself what CDI devices take. */
  readonly takesCdi?: boolean;
  /** All that it has of a pod, also of lives of Troupe before this one. */
  observe(uid: string): Promise<PodObserved>;
  /** Tells that `observe` may say something else now. What was missed meanwhile is told once. */
  watch(uid: string, changed: () => void): Subscription;
  /** UIDs of all pods that it has something of. */
  pods(): Promise<readonly string[]>;

  /** Makes room for a pod: its network, its files. Throws RuntimeFailure. */
  runSandbox(spec: SandboxSpec): Promise<SandboxObserved>;
  /** Kills what still runs in the sandbox, and gives up its network. */
  stopSandbox(id: string): Promise<void>;
  /** Removes all that is left of a pod, logs included; what still runs is killed. */
  removePod(uid: string): Promise<void>;

  /** Finds the image, or brings it. Throws RuntimeFailure of reason `ErrImagePull`, `ErrImageNeverPull`, `ImageInspectError` or `InvalidImageName`. */
  ensureImage(image: ImageWanted): Promise<ImageFound>;

  /** Resolves with the container's ID. Throws RuntimeFailure. */
  createContainer(sandbox: string, spec: ContainerSpec): Promise<string>;
  /** Resolves when its own command runs. Throws RuntimeFailure; the container has then exited, if it could be told to. */
  startContainer(id: string): Promise<void>;
  /** SIGTERM, and SIGKILL after the grace period; resolves when it has exited. */
  stopContainer(id: string, grace_ms: number): Promise<void>;
  /** Also removes its log. */
  removeContainer(id: string): Promise<void>;
  /** Holds one that runs to other limits from now on. Throws RuntimeFailure, and then it is held to those before. */
  resizeContainer(id: string, size: ContainerSize): Promise<void>;

  /** Runs a command beside a container's own and waits for its end. Throws RuntimeFailure when it could not be run. */
  exec(id: string, command: readonly string[], limits: ExecLimits): Promise<ExecResult>;
  /** Where the streams of a command beside a container's own, or of that itself, can be had. Throws RuntimeFailure. */
  stream(id: string, asked: StreamAsked): Promise<StreamDoor>;
  /** Where a connection to a port of a sandbox can be had, of what listens on its loopback address too. Absent: ports are reached at its address. Throws RuntimeFailure. */
  port?(sandbox: string, port: number): Promise<StreamDoor>;
  /** What the containers that run use; by ID. */
  usage(): ReadonlyMap<string, ContainerUsage>;
}

/** Of the IDs of a runtime's containers, as the API has them: `<scheme>://<id>`. */
export const schemeOf = ({ scheme, name }: Pick<ContainerRuntime, "scheme" | "name">): string => scheme ?? name;

export interface SandboxSpec {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** The pod's own. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** How many sandboxes the pod had before. */
  readonly attempt: number;
  /** Empty, where the pod is on the machine's network: as the machine is called. */
  readonly hostname: string;
  /** The address that its node has for the pod. A runtime that gives it another one says so: SandboxObserved. */
  readonly address: string;
  readonly hostNetwork: boolean;
  readonly hostPID: boolean;
  readonly hostIPC: boolean;
  /** Ports of its node that are its own. */
  readonly hostPorts: readonly HostPort[];
  /** A container of it may be privileged. */
  readonly isPrivileged: boolean;
  /** Whom its containers run as that say nothing themselves. */
  readonly user: Pick<ContainerUser, "uid" | "gid" | "groups" | "isStrict">;
  /** Which of several ways a runtime is to run it, as its RuntimeClass says; empty: the usual one. */
  readonly handler: string;
  /** Its containers see one another's processes. */
  readonly sharesProcesses: boolean;
  /** Settings of the kernel that the pod has for itself. */
  readonly sysctls: Readonly<Record<string, string>>;
  readonly qosClass: QosClass;
  /** Of the pod as a whole; a limit only where all of it is limited. */
  readonly requests: Resources;
  readonly limits: Resources;
  /** Of its /etc/resolv.conf. */
  readonly dns: ResolverConfig;
  /** Further lines of /etc/hosts. */
  readonly hostAliases: readonly { readonly address: string; readonly names: readonly string[] }[];
  /** What /etc/hosts calls the pod: its name in the cluster's domain, if it has one, and its host name. */
  readonly names: readonly string[];
}

export interface HostPort {
  readonly protocol: string;
  readonly containerPort: number;
  readonly hostPort: number;
  /** Empty: all of the node's. */
  readonly hostIP: string;
}

export interface ImageWanted {
  readonly image: string;
  readonly policy: string;
  /** Whether the container says itself what to run. */
  readonly hasCommand: boolean;
  /** To be tried in this order where the image is pulled. */
  readonly credentials?: readonly RegistryCredentials[];
  /** Called when it is about to be brought from elsewhere. */
  readonly pulling?: () => void;
}

/** As Docker's configuration has them; what is not there is empty. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
  readonly serverAddress: string;
  readonly identityToken: string;
  readonly registryToken: string;
}

export interface ImageFound {
  /** What the image is for certain, as a container's imageID. */
  readonly id: string;
  /** It was there before. */
  readonly present: boolean;
}

export interface ContainerSpec {
  readonly name: string;
  /** How often it has been started before: its restart count. */
  readonly attempt: number;
  /** As the pod's spec names it: with another one the container is made anew. */
  readonly image: string;
  readonly imageId: string;
  /** In place of the image's; undefined: the image's own. */
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  readonly workingDir: string | undefined;
  readonly env: readonly EnvVariable[];
  readonly mounts: readonly ContainerMount[];
  readonly user: ContainerUser;
  readonly security: ContainerSecurity;
  /** The container whose processes it sees, too; undefined: those that its pod lets it see. */
  readonly target: string | undefined;
  readonly size: ContainerSize;
  readonly qosClass: QosClass;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly terminationMessage: { readonly path: string; readonly fallsBackToLog: boolean };
  /** Devices by their CDI names, where the runtime finds out itself what they take; others find it among mounts and variables. */
  readonly cdiDevices?: readonly string[];
}

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** cpu in thousandths, memory in bytes; none: no limit. */
export interface Resources {
  readonly cpu?: number;
  readonly memory?: number;
}

/** What a container asks for and may take. */
export interface ContainerSize {
  /** As its pod's spec has it. */
  readonly resources: ResourceRequirements;
  readonly requests: Resources;
  readonly limits: Resources;
  /** Of all its pod, with it. */
  readonly pod: { readonly requests: Resources; readonly limits: Resources };
}

export interface EnvVariable {
  readonly name: string;
  readonly value: string;
}

export interface ContainerMount {
  /** Of the machine: where the volume lies. */
  readonly hostPath: string;
  /** What of it is mounted, a path within it; empty: all. Who writes to the volume may have put links there, which must not lead out of it. */
  readonly subPath: string;
  /** As the container sees it. */
  readonly containerPath: string;
  readonly readOnly: boolean;
  /** Also what is mounted below it. */
  readonly recursiveReadOnly?: boolean;
  /** Of what is mounted later, to the other side; absent: none. */
  readonly propagation?: "None" | "HostToContainer" | "Bidirectional";
  /** The pod's volume that it is of. */
  readonly volume: string;
  /** It is a device, which the container may use as one. */
  readonly isDevice?: boolean;
}

/** Undefined parts are the image's, or the runtime's own. */
export interface ContainerUser {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly groups: readonly number[];
  /** The groups are all that it has; else, and if absent, those that its image says of it come on top. */
  readonly isStrict?: boolean;
  readonly mustNotBeRoot: boolean;
  readonly mayGainPrivileges: boolean;
}

/** What a container may do. A runtime that cannot hold it to that says so where it is described. */
export interface ContainerSecurity {
  readonly isPrivileged: boolean;
  readonly readOnlyRoot: boolean;
  /** Without `CAP_`; `ALL` is all of them. */
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] };
  /** A path is that of a profile of the machine, below the directory of such. */
  readonly seccomp: { readonly type: "Unconfined" | "RuntimeDefault" } | { readonly type: "Localhost"; readonly path: string };
  /** /proc is shown with nothing masked. */
  readonly showsAllOfProc: boolean;
}

export interface ExecLimits {
  /** Undefined: as long as it takes. */
  readonly timeout_ms: number | undefined;
  /** So much of what it prints is kept, of the beginning. */
  readonly output_bytes: number;
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  readonly exitCode: number;
  /** Standard output and standard error as they came. */
  readonly output: string;
  readonly timedOut: boolean;
}

/** What a runtime has of one pod, the newest first. */
export interface PodObserved {
  readonly sandboxes: readonly SandboxObserved[];
  readonly containers: readonly ContainerObserved[];
}

export interface SandboxObserved {
  readonly id: string;
  readonly attempt: number;
  readonly ready: boolean;
  /** The pod's address as long as the sandbox is ready. */
  readonly address: string;
}

export interface ContainerObserved {
  readonly id: string;
  readonly sandbox: string;
  readonly name: string;
  readonly attempt: number;
  readonly image: string;
  readonly imageId: string;
  readonly state: "created" | "running" | "exited";
  readonly createdAt_ms: number;
  /** 0: it never ran. */
  readonly startedAt_ms: number;
  /** Of one that has exited. */
  readonly finishedAt_ms: number;
  readonly exitCode: number;
  /** `Completed`, `Error`, `OOMKilled`, `ContainerCannotRun`, ... */
  readonly reason: string;
  /** Its termination message. */
  readonly message: string;
  /** The file in CRI's log format. */
  readonly logPath: string;
  /** What it is held to, as far as the runtime holds anybody to anything. */
  readonly resources: ResourceRequirements;
  /** Who its first process is; absent: the runtime does not say. */
  readonly user?: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };
}

/** What is observed of a container that has been created, until it begins. */
export const NOT_BEGUN = { state: "created", startedAt_ms: 0, finishedAt_ms: 0, exitCode: 0, reason: "", message: "" } as const;

/** What a runtime could not do, with the reason that a container's state shows. */
export class RuntimeFailure extends Error {
  override readonly name = "RuntimeFailure";
  readonly reason: RuntimeFailureReason;

  constructor(reason: RuntimeFailureReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export type RuntimeFailureReason =
  | "ErrImagePull"
  | "ErrImageNeverPull"
  | "InvalidImageName"
  | "ImageInspectError"
  | "CreatePodSandboxError"
  | "CreateContainerConfigError"
  | "CreateContainerError"
  | "RunContainerError"
  | "ResizeError"
  | "ExecError"
  | "RuntimeUnavailable";
