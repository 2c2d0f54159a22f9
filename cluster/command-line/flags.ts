import { isIP } from "node:net";
// Not by way of actors/mod.ts: the parent process would load the whole cast for one number.
import { HOLLOW_NODES_MAX, machineRange } from "../../actors/node/cidr.ts";
import { ONLY, type Only, THREADS_MAX } from "../boot/layout.ts";
import { ACCESS_FLAGS, type AccessFlags, accessFlags } from "./access-flags.ts";
import { AUDIT_FLAGS, type AuditFlags, auditFlags } from "./audit-flags.ts";
import { CONTROLLER_FLAGS, type ControllerFlags, controllerFlags } from "./controller-flags.ts";
import { EVICTION_FLAGS } from "./eviction-flags.ts";
import { DATA, type Flags, parseFlags } from "./flag.ts";
import { type Format, formatOf, OUTPUT } from "./output.ts";
import { RUNTIME_FLAGS, type RuntimeFlags, runtimeFlags } from "./runtime-flags.ts";
import { SERVICE_FLAGS, type ServiceFlags, serviceFlags } from "./service-flags.ts";
import { WrongUsage, wholeNumber } from "./wrong-usage.ts";

/** What `troupe up` was asked for. */
export interface UpFlags {
  /** At least this many nodes; undefined: those that exist, or the runtime's default on a new data directory. */
  readonly nodes: number | undefined;
  readonly data: string;
  /** 0: any free port. */
  readonly apiPort: number;
  /** The address at which other machines reach the API and NATS; undefined: none does, both are on loopback. */
  readonly advertiseAddress: string | undefined;
  /** Of the own NATS server, where others reach it; 0: the one that it had, or any free one. */
  readonly natsPort: number;
  /** Where other NATS servers may connect as leaf nodes; 0: where they did before, or any free one; undefined: nowhere. */
  readonly natsLeafPort: number | undefined;
  /** NATS servers that exist; undefined: bring one along. */
  readonly nats: readonly string[] | undefined;
  readonly threads: number | undefined;
  readonly only: Only | undefined;
  /** What befalls hollow pods and nodes by chance is repeated with the same seed. */
  readonly seed: number;
  /** Files with kwok's Stages. */
  readonly stages: readonly string[];
  /** A file with a KubeSchedulerConfiguration; undefined: Kubernetes' default. */
  readonly schedulerConfig: string | undefined;
  /** A file with an EncryptionConfiguration; undefined: nothing is encrypted at rest. */
  readonly encryptionConfig: string | undefined;
  /** How many schedulers share the pods. */
  readonly schedulers: number | undefined;
  readonly access: AccessFlags;
  /** Undefined: requests are not recorded. */
  readonly audit: AuditFlags | undefined;
  readonly controllers: ControllerFlags;
  readonly services: ServiceFlags;
  readonly runtime: RuntimeFlags;
  readonly format: Format;
}

/** NATS' own. */
const NATS_PORT = 4_222;
const SCHEDULERS_MAX = 64;
const SEED_MAX: number = 2 ** 32 - 1;

const FLAGS = {
  nodes: {
    value: "N",
    help: "play at least N nodes (those there are, if not given: 5 at first, with --runtime process 1); 0 for none",
  },
  data: { ...DATA, help: "where the cluster lives" },
  "api-port": { value: "P", default: "6443", help: "port of the Kubernetes API on 127.0.0.1; 0 takes any free one" },
  threads: { value: "N", help: "hosts to spread the actors over (by the number of cores, if not given)" },
  only: {
    value: ONLY.join("|"),
    choices: ONLY,
    help: "api: the API and its store alone, no controllers, scheduler or nodes; scheduler: the same with the scheduler",
  },
  seed: { value: "N", default: "0", help: "what befalls hollow pods and nodes by chance; the same seed, the same fate" },
  stages: {
    value: "FILE[,FILE]",
    many: true,
    help: "kwok's Stages: what becomes of pods, nodes and others, when (docs/hollow-nodes.md)",
  },
  "scheduler-config": { value: "FILE", help: "profiles, plugins and extenders, as kube-scheduler's --config has them" },
  schedulers: { value: "N", help: "schedulers that share the pods among them (1, if not given)" },
  "encryption-provider-config": { value: "FILE", help: "what to encrypt at rest, as kube-apiserver's flag has it" },
  nats: { value: "URL[,URL]", help: "use these NATS servers instead of one of its own; of a cluster any" },
  "advertise-address": { value: "IP", help: "where other machines reach the API and NATS (nowhere, if not given: both are on loopback)" },
  "nats-port": { value: "P", help: "of NATS, with --advertise-address (4222, if not given)" },
  output: OUTPUT,
  "nats-leaf-port": { value: "P", help: "where other NATS servers connect as leaf nodes of the clients' account (nowhere, if not given)" },
  ...RUNTIME_FLAGS,
  ...EVICTION_FLAGS,
  ...SERVICE_FLAGS,
  ...CONTROLLER_FLAGS,
  ...ACCESS_FLAGS,
  ...AUDIT_FLAGS,
} as const;
export const UP_FLAGS: Flags = FLAGS;

/** Parses the flags of `troupe up`. Throws WrongUsage, which says what was wrong and what is right. */
export function parseUpFlags(args: readonly string[]): UpFlags {
  const values = parseFlags("up", FLAGS, args);
  const { only } = values;
  const part = ONLY.find((each) => each === only);
  if (only !== undefined && part === undefined) throw new WrongUsage(`--only ${only} is unknown; the choices are ${ONLY.join(", ")}`);
  const nats = values.nats?.split(",").map(natsUrl);
  const advertiseAddress = values["advertise-address"];
  if (advertiseAddress !== undefined && !isIP(advertiseAddress))
    throw new WrongUsage(`--advertise-address ${advertiseAddress} is no IP address of this machine`);
  if (values["nats-port"] !== undefined && (advertiseAddress === undefined || nats !== undefined))
    throw new WrongUsage("--nats-port is for --advertise-address, without --nats");
  if (values["nats-leaf-port"] !== undefined && nats !== undefined)
    throw new WrongUsage("--nats-leaf-port is for the NATS server that Troupe brings along, without --nats");
  const nodes = wholeNumber("--nodes", values.nodes, 0, HOLLOW_NODES_MAX);
  const runtime = runtimeFlags(values, nodes);
  const hasNetwork = runtime.sandbox !== undefined || runtime.cri !== undefined;
  return {
    nodes,
    data: values.data || ".troupe",
    apiPort: wholeNumber("--api-port", values["api-port"], 0, 65_535) ?? 6443,
    advertiseAddress,
    natsPort: wholeNumber("--nats-port", values["nats-port"], 0, 65_535) ?? NATS_PORT,
    natsLeafPort: wholeNumber("--nats-leaf-port", values["nats-leaf-port"], 0, 65_535),
    nats,
    threads: wholeNumber("--threads", values.threads, 1, THREADS_MAX),
    only: part,
    seed: wholeNumber("--seed", values.seed, 0, SEED_MAX) ?? 0,
    stages: values.stages.flatMap((files) => files.split(",")).filter((file) => file !== ""),
    schedulerConfig: values["scheduler-config"],
    encryptionConfig: values["encryption-provider-config"],
    schedulers: wholeNumber("--schedulers", values.schedulers, 1, SCHEDULERS_MAX),
    access: accessFlags(values),
    audit: auditFlags(values),
    controllers: controllerFlags(values),
    services: serviceFlags(values, runtime.name !== "hollow", hasNetwork ? machineRange(runtime.podCidr) : undefined),
    runtime,
    format: formatOf(OUTPUT, values.output),
  };
}

export function natsUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url !== undefined && (url.protocol === "nats:" || url.protocol === "tls:") && url.hostname !== "") return value;
  throw new WrongUsage(`--nats ${value} is not a NATS URL such as nats://127.0.0.1:4222`);
}
