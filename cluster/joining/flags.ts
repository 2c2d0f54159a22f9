import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { parseArgs } from "node:util";
import { dnsSubdomain } from "../../actors/kinds/names.ts";
import { EVICTION_FLAGS } from "../command-line/eviction-flags.ts";
import { DATA, type Flags, KUBECONFIG, parseFlags, parseOperands } from "../command-line/flag.ts";
import { parseUpFlags, UP_FLAGS, type UpFlags } from "../command-line/flags.ts";
import { type Format, formatOf, OUTPUT } from "../command-line/output.ts";
import { RUNTIME_FLAGS, type RuntimeFlags, runtimeFlags } from "../command-line/runtime-flags.ts";
import { nameservers, onOrOff, SERVICE_FLAGS, type ServiceFlags, type ServiceProxy, serviceProxy } from "../command-line/service-flags.ts";
import { duration_ms, WrongUsage, wholeNumber } from "../command-line/wrong-usage.ts";
import { type JoinToken, newToken, parseToken, TOKEN_GROUPS, TOKEN_TTL_MS } from "./token.ts";

const INIT = {
  token: { value: "T", help: "to join by (a new one, if not given)" },
  "token-ttl": { value: "D", help: "how long it holds (24h, if not given; 0: for ever)" },
} as const;
export const INIT_FLAGS: Flags = { ...INIT, ...UP_FLAGS };

/** What `troupe init` was asked for: what `up` was, and the token that others may join by. */
export interface InitFlags {
  readonly up: UpFlags & { readonly advertiseAddress: string };
  readonly token: JoinToken;
  /** 0: it does not end. */
  readonly ttl_ms: number;
}

/** Takes the flags of `up`, too. Throws WrongUsage. */
export function parseInitFlags(args: readonly string[]): InitFlags {
  const own = Object.keys(INIT).map((name) => `--${name}`);
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: { token: { type: "string" }, "token-ttl": { type: "string" } },
  });
  const taken = new Set<number>();
  const given: Record<string, string> = {};
  for (const one of tokens) {
    if (one.kind !== "option" || !own.includes(one.rawName) || typeof one.value !== "string") continue;
    given[one.name] = one.value;
    taken.add(one.index);
    if (one.inlineValue === false) taken.add(one.index + 1);
  }
  const up = parseUpFlags(args.filter((_, index) => !taken.has(index)));
  if (up.only !== undefined) throw new WrongUsage(`a cluster with --only ${up.only} has no controllers, which let others join`);
  const advertiseAddress = up.advertiseAddress ?? addressOfMachine();
  if (advertiseAddress === undefined)
    throw new WrongUsage("this machine has no address but loopback: say with --advertise-address at which one others are to reach it");
  return {
    up: { ...up, advertiseAddress },
    token: given.token === undefined ? newToken() : parseToken(given.token),
    ttl_ms: given["token-ttl"] === undefined ? TOKEN_TTL_MS : duration_ms("--token-ttl", given["token-ttl"]),
  };
}

function addressOfMachine(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ internal, family }) => !internal && family === "IPv4")?.address;
}

/** What `troupe join` was asked for. */
export interface JoinFlags {
  readonly data: string;
  /** Undefined: the cluster that the data directory has joined already. */
  readonly cluster: JoinTarget | undefined;
  readonly runtime: RuntimeFlags;
  /** Where the API server reaches this machine; undefined: where it sees it. */
  readonly nodeIp: string | undefined;
  /** Of the node's door; 0: any free one; undefined: kubelets' own, or any free one. */
  readonly kubeletPort: number | undefined;
  /** What befalls hollow pods by chance is repeated with the same seed. */
  readonly seed: number;
  /** By whom services are forwarded on this machine, if the cluster forwards them; undefined: by nobody. */
  readonly proxy: ServiceProxy | undefined;
  /** Undefined: as `proxy`. */
  readonly dns: boolean | undefined;
  readonly dnsUpstreams: ServiceFlags["dnsUpstreams"];
  readonly format: Format;
}

export interface JoinTarget {
  /** `https://host:port` */
  readonly server: string;
  readonly token: JoinToken;
  readonly authorityHashes: readonly string[];
  readonly node: string;
}

/** Where the pods of all machines have their addresses from is the cluster's affair. */
const { "pod-cidr": _, ...OF_MACHINES } = RUNTIME_FLAGS;

const JOIN = {
  token: { value: "T", help: "as init prints it" },
  "discovery-token-ca-cert-hash": { value: "sha256:H", many: true, help: "as init prints it: which cluster it is" },
  "discovery-token-unsafe-skip-ca-verification": { help: "without a hash: the token alone vouches for the cluster" },
  "node-name": { value: "NAME", help: "of its Node (the machine's, if not given)" },
  data: { ...DATA, help: "where its certificate, key and kubeconfig are" },
  "node-ip": { value: "IP", help: "where the API server reaches this machine (where it sees it come from, if not given)" },
  "kubelet-port": { value: "P", help: "where it asks for logs and streams (10250, if not given, or any free one); 0 takes any free one" },
  seed: { value: "N", default: "0", help: "what befalls hollow pods by chance; the same seed, the same fate" },
  "service-proxy": SERVICE_FLAGS["service-proxy"],
  dns: SERVICE_FLAGS.dns,
  "dns-upstream": SERVICE_FLAGS["dns-upstream"],
  output: OUTPUT,
  ...OF_MACHINES,
  ...EVICTION_FLAGS,
} as const;
export const JOIN_FLAGS: Flags = JOIN;

/** Throws WrongUsage. */
export function parseJoinFlags(args: readonly string[]): JoinFlags {
  const { values, operands } = parseOperands("join", JOIN, args);
  const [target, ...more] = operands;
  if (more.length > 0) throw new WrongUsage("troupe join wants one HOST:PORT; see troupe help join");
  return {
    data: values.data || DATA.default,
    cluster:
      target === undefined
        ? undefined
        : targetOf(target, values.token, {
            hashes: values["discovery-token-ca-cert-hash"],
            anyAuthority: values["discovery-token-unsafe-skip-ca-verification"],
            node: values["node-name"] ?? hostname().toLowerCase(),
          }),
    runtime: runtimeFlags({ ...values, "pod-cidr": undefined }, undefined),
    nodeIp: ipOf(values["node-ip"]),
    kubeletPort: wholeNumber("--kubelet-port", values["kubelet-port"], 0, 65_535),
    seed: wholeNumber("--seed", values.seed, 0, 2 ** 32 - 1) ?? 0,
    proxy: serviceProxy(values["service-proxy"] ?? "on"),
    dns: onOrOff("dns", values.dns),
    dnsUpstreams: values["dns-upstream"] === undefined ? undefined : nameservers(values["dns-upstream"]),
    format: formatOf(OUTPUT, values.output),
  };
}

function ipOf(value: string | undefined): string | undefined {
  if (value !== undefined && !isIP(value)) throw new WrongUsage(`--node-ip ${value} is no IP address of this machine`);
  return value;
}

function targetOf(
  target: string,
  token: string | undefined,
  { hashes, anyAuthority, node }: { readonly hashes: readonly string[]; readonly anyAuthority: boolean; readonly node: string },
): JoinTarget {
  const server = `https://${target}`;
  if (!URL.canParse(server) || new URL(server).pathname !== "/" || target.includes("@"))
    throw new WrongUsage(`troupe join ${target}: that is no HOST:PORT of an API server`);
  if (token === undefined) throw new WrongUsage("troupe join wants --token, which `troupe init` and `troupe token create` print");
  if (hashes.length === 0 && !anyAuthority)
    throw new WrongUsage(
      "troupe join wants --discovery-token-ca-cert-hash sha256:..., or --discovery-token-unsafe-skip-ca-verification where nobody can be in between",
    );
  const odd = hashes.find((hash) => !/^sha256:[0-9a-f]{64}$/.test(hash.toLowerCase()));
  if (odd !== undefined) throw new WrongUsage(`--discovery-token-ca-cert-hash ${odd} is not sha256: and 64 hexadecimal digits`);
  const [wrong] = dnsSubdomain(node);
  if (wrong !== undefined) throw new WrongUsage(`--node-name ${node}: ${wrong}`);
  return { server: new URL(server).origin, token: parseToken(token), authorityHashes: hashes.map((hash) => hash.toLowerCase()), node };
}

export type TokenCommand =
  | {
      readonly do: "create";
      readonly token: JoinToken;
      readonly ttl_ms: number;
      readonly description: string | undefined;
      readonly groups: readonly string[];
      readonly printJoin: boolean;
    }
  | { readonly do: "list" }
  | { readonly do: "delete"; readonly ids: readonly string[] };

const REACHING = { output: OUTPUT, kubeconfig: KUBECONFIG, data: DATA } as const;
const TOKEN_CREATE = {
  ttl: { value: "D", default: "24h", help: "how long it holds; 0: for ever" },
  description: { value: "TEXT", help: "what it is for" },
  groups: { value: "GROUP[,GROUP]", many: true, help: "whom it makes of who shows it (who may join, if not given)" },
  "print-join-command": { help: "print the line by which a machine joins, not the token alone" },
  ...REACHING,
} as const;
export const TOKEN_LIST_FLAGS: Flags = REACHING;
export const TOKEN_CREATE_FLAGS: Flags = TOKEN_CREATE;
export const TOKEN_DELETE_FLAGS: Flags = REACHING;

export interface TokenFlags {
  readonly kubeconfig: string;
  readonly command: TokenCommand;
  readonly format: Format;
}

/** Its verbs take one another's flags, as they always did. Throws WrongUsage. */
export function parseTokenFlags(args: readonly string[]): TokenFlags {
  const [verb, ...rest] = args;
  const { values, operands } = parseOperands("token", TOKEN_CREATE, rest);
  const kubeconfig = values.kubeconfig ?? `${values.data || DATA.default}/kubeconfig`;
  const format = formatOf(OUTPUT, values.output);
  switch (verb) {
    case "create": {
      const groups = values.groups.length === 0 ? TOKEN_GROUPS : values.groups.flatMap((list) => list.split(","));
      const odd = groups.find((name) => !/^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/.test(name));
      if (odd !== undefined) throw new WrongUsage(`--groups ${odd} does not begin with system:bootstrappers:`);
      const [text, ...more] = operands;
      if (more.length > 0) throw new WrongUsage("troupe token create makes one TOKEN");
      return {
        kubeconfig,
        format,
        command: {
          do: "create",
          token: text === undefined ? newToken() : parseToken(text),
          ttl_ms: duration_ms("--ttl", values.ttl),
          description: values.description,
          groups,
          printJoin: values["print-join-command"],
        },
      };
    }
    case "list":
      return { kubeconfig, format, command: { do: "list" } };
    case "delete": {
      if (operands.length === 0) throw new WrongUsage("troupe token delete wants the TOKEN, or its first six characters");
      const ids = operands.map((text) => (/^[a-z0-9]{6}$/.test(text) ? text : parseToken(text).id));
      return { kubeconfig, format, command: { do: "delete", ids } };
    }
    default:
      throw new WrongUsage(`troupe token ${verb ?? ""}: it is create, list or delete; see troupe help token`);
  }
}

export interface CertsFlags {
  readonly do: "check" | "renew";
  readonly data: string;
  readonly format: Format;
}

const CERTS = { output: OUTPUT, data: DATA } as const;
export const CERTS_FLAGS: Flags = CERTS;

/** Throws WrongUsage. */
export function parseCertsFlags([verb, ...args]: readonly string[]): CertsFlags {
  const { data, output } = parseFlags("certs", CERTS, args);
  if (verb !== "check" && verb !== "renew") throw new WrongUsage(`troupe certs ${verb ?? ""}: it is check or renew; see troupe help certs`);
  return { do: verb, data: data || DATA.default, format: formatOf(OUTPUT, output) };
}

const RESET = {
  data: { value: "DIR", help: "the directory that goes" },
  force: { short: "f", help: "without being asked" },
  output: OUTPUT,
} as const;
export const RESET_FLAGS: Flags = RESET;

export interface ResetFlags {
  readonly data: string;
  readonly force: boolean;
  readonly format: Format;
}

/** Throws WrongUsage. */
export function parseResetFlags(args: readonly string[]): ResetFlags {
  const { data, force, output } = parseFlags("reset", RESET, args);
  // What is removed is not to be guessed.
  if (!data) throw new WrongUsage("troupe reset wants --data DIR, the directory that goes");
  return { data, force, format: formatOf(OUTPUT, output) };
}
