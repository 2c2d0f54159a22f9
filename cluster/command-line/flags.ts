import { parseArgs } from "node:util";
// Not by way of actors/mod.ts: the parent process would load the whole cast for one number.
import { HOLLOW_NODES_MAX } from "../../actors/node/cidr.ts";
import { ONLY, type Only, THREADS_MAX } from "../boot/layout.ts";
import { CONTROLLER_OPTIONS, type ControllerFlags, controllerFlags } from "./controller-flags.ts";
import { usageOf, WrongUsage, wholeNumber } from "./wrong-usage.ts";

/** What `troupe up` was asked for. */
export interface UpFlags {
  /** At least this many hollow nodes; undefined: those that exist, or DEFAULT_NODES on a new data directory. */
  readonly nodes: number | undefined;
  readonly data: string;
  /** 0: any free port. */
  readonly apiPort: number;
  /** NATS servers that exist; undefined: bring one along. */
  readonly nats: readonly string[] | undefined;
  readonly threads: number | undefined;
  readonly only: Only | undefined;
  /** What befalls hollow pods and nodes by chance is repeated with the same seed. */
  readonly seed: number;
  /** A file with a KubeSchedulerConfiguration; undefined: Kubernetes' default. */
  readonly schedulerConfig: string | undefined;
  /** A file with an EncryptionConfiguration; undefined: nothing is encrypted at rest. */
  readonly encryptionConfig: string | undefined;
  /** How many schedulers share the pods. */
  readonly schedulers: number | undefined;
  /** Who says so in service account tokens. */
  readonly serviceAccountIssuer: string;
  /** A file of tokens that hold beside all others. */
  readonly tokenFile: string | undefined;
  readonly authorizationMode: "RBAC" | "AlwaysAllow";
  readonly controllers: ControllerFlags;
}

const SCHEDULERS_MAX = 64;
const SEED_MAX: number = 2 ** 32 - 1;
/**
 * A name that tells the tokens of this cluster's issuer from those of others; whoever wants other systems to trust them names a URL that these reach.
 * kube-apiserver has no default, kubeadm gives `https://kubernetes.default.svc.cluster.local`. This one is what the recordings of Kubernetes were made
 * with that the tests compare with, and the answer to a request for a token names it: a cluster that is started without flags answers as they do.
 */
const DEFAULT_ISSUER = "https://k";

const RUNTIMES = ["hollow", "process", "sandbox", "cri"];

/** Parses the flags of `troupe up`. Throws WrongUsage, which says what was wrong and what is right. */
export function parseUpFlags(args: readonly string[]): UpFlags {
  const { values } = usageOf("npm start -- --help", () =>
    parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        nodes: { type: "string" },
        data: { type: "string", default: ".troupe" },
        "api-port": { type: "string", default: "6443" },
        nats: { type: "string" },
        threads: { type: "string" },
        runtime: { type: "string", default: "hollow" },
        only: { type: "string" },
        seed: { type: "string", default: "0" },
        "scheduler-config": { type: "string" },
        schedulers: { type: "string" },
        "encryption-provider-config": { type: "string" },
        "service-account-issuer": { type: "string", default: DEFAULT_ISSUER },
        "token-auth-file": { type: "string" },
        "authorization-mode": { type: "string", default: "Node,RBAC" },
        ...CONTROLLER_OPTIONS,
      },
    }),
  );
  const { runtime, only } = values;
  if (!RUNTIMES.includes(runtime)) throw new WrongUsage(`--runtime ${runtime} is none of ${RUNTIMES.join(", ")}`);
  if (runtime !== "hollow")
    throw new WrongUsage(`--runtime ${runtime} is not part of this version, which has hollow nodes only; leave --runtime out`);
  const part = ONLY.find((each) => each === only);
  if (only !== undefined && part === undefined) throw new WrongUsage(`--only ${only} is unknown; the choices are ${ONLY.join(", ")}`);
  const nats = values.nats?.split(",").map(natsUrl);
  return {
    nodes: wholeNumber("--nodes", values.nodes, 0, HOLLOW_NODES_MAX),
    data: values.data || ".troupe",
    apiPort: wholeNumber("--api-port", values["api-port"], 0, 65_535) ?? 6443,
    nats,
    threads: wholeNumber("--threads", values.threads, 1, THREADS_MAX),
    only: part,
    seed: wholeNumber("--seed", values.seed, 0, SEED_MAX) ?? 0,
    schedulerConfig: values["scheduler-config"],
    encryptionConfig: values["encryption-provider-config"],
    schedulers: wholeNumber("--schedulers", values.schedulers, 1, SCHEDULERS_MAX),
    serviceAccountIssuer: issuerUrl(values["service-account-issuer"]),
    tokenFile: values["token-auth-file"],
    authorizationMode: authorizationMode(values["authorization-mode"]),
    controllers: controllerFlags(values),
  };
}

/** OpenID Connect wants a URL of https; only relying parties ever call it. */
function issuerUrl(value: string): string {
  if (URL.canParse(value) && new URL(value).protocol === "https:") return value;
  throw new WrongUsage(`--service-account-issuer ${value} is not a URL such as https://kubernetes.default.svc`);
}

/** The names of kube-apiserver. Nodes and roles come together: a node without roles could do nothing. */
function authorizationMode(value: string): UpFlags["authorizationMode"] {
  if (value === "AlwaysAllow") return "AlwaysAllow";
  if (value === "RBAC" || value === "Node,RBAC") return "RBAC";
  throw new WrongUsage(`--authorization-mode ${value} is none of Node,RBAC, AlwaysAllow`);
}

export function natsUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url !== undefined && (url.protocol === "nats:" || url.protocol === "tls:") && url.hostname !== "") return value;
  throw new WrongUsage(`--nats ${value} is not a NATS URL such as nats://127.0.0.1:4222`);
}
