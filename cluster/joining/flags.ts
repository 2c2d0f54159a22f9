import { hostname, networkInterfaces } from "node:os";
import { parseArgs } from "node:util";
import { dnsSubdomain } from "../../actors/kinds/names.ts";
import { MEMBER_THREADS_MAX } from "../boot/layout.ts";
import { natsUrl, parseUpFlags, type UpFlags } from "../command-line/flags.ts";
import { duration_ms, usageOf, WrongUsage, wholeNumber } from "../command-line/wrong-usage.ts";
import { type JoinToken, newToken, parseToken, TOKEN_GROUPS, TOKEN_TTL_MS } from "./token.ts";

const HELP = "npm run troupe -- help";
const DATA = ".troupe";

/** What `troupe init` was asked for: what `up` was, and the token that others may join by. */
export interface InitFlags {
  readonly up: UpFlags & { readonly advertiseAddress: string };
  readonly token: JoinToken;
  /** 0: it does not end. */
  readonly ttl_ms: number;
}

/** Takes the flags of `up`, too. Throws WrongUsage. */
export function parseInitFlags(args: readonly string[]): InitFlags {
  const own = ["--token", "--token-ttl"];
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
  readonly threads: number | undefined;
  readonly nats: readonly string[] | undefined;
  readonly stages: readonly string[];
  readonly seed: number;
  readonly encryptionConfig: string | undefined;
  /** Ask for a certificate to serve with, too, which a person has to approve. */
  readonly serverTls: boolean;
}

export interface JoinTarget {
  /** `https://host:port` */
  readonly server: string;
  readonly token: JoinToken;
  readonly authorityHashes: readonly string[];
  readonly node: string;
}

/** Throws WrongUsage. */
export function parseJoinFlags(args: readonly string[]): JoinFlags {
  const { values, positionals } = usageOf(HELP, () =>
    parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: true,
      options: {
        data: { type: "string", default: DATA },
        token: { type: "string" },
        "discovery-token-ca-cert-hash": { type: "string", multiple: true },
        "discovery-token-unsafe-skip-ca-verification": { type: "boolean" },
        "node-name": { type: "string" },
        threads: { type: "string" },
        nats: { type: "string" },
        stages: { type: "string", multiple: true },
        seed: { type: "string", default: "0" },
        "encryption-provider-config": { type: "string" },
        "server-tls-bootstrap": { type: "boolean" },
      },
    }),
  );
  const [target, ...more] = positionals;
  if (more.length > 0) throw new WrongUsage(`troupe join wants one HOST:PORT; see ${HELP}`);
  return {
    data: values.data || DATA,
    cluster:
      target === undefined
        ? undefined
        : targetOf(target, values.token, {
            hashes: values["discovery-token-ca-cert-hash"] ?? [],
            anyAuthority: values["discovery-token-unsafe-skip-ca-verification"] === true,
            node: values["node-name"] ?? hostname().toLowerCase(),
          }),
    threads: wholeNumber("--threads", values.threads, 1, MEMBER_THREADS_MAX),
    nats: values.nats?.split(",").map(natsUrl),
    stages: (values.stages ?? []).flatMap((files) => files.split(",")).filter((file) => file !== ""),
    seed: wholeNumber("--seed", values.seed, 0, 2 ** 32 - 1) ?? 0,
    encryptionConfig: values["encryption-provider-config"],
    serverTls: values["server-tls-bootstrap"] === true,
  };
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
  | { readonly do: "list"; readonly json: boolean }
  | { readonly do: "delete"; readonly ids: readonly string[] };

/** Throws WrongUsage. */
export function parseTokenFlags(args: readonly string[]): { readonly kubeconfig: string; readonly command: TokenCommand } {
  const [verb, ...rest] = args;
  const { values, positionals } = usageOf(HELP, () =>
    parseArgs({
      args: rest,
      strict: true,
      allowPositionals: true,
      options: {
        data: { type: "string", default: DATA },
        kubeconfig: { type: "string" },
        ttl: { type: "string", default: "24h" },
        description: { type: "string" },
        groups: { type: "string", multiple: true },
        "print-join-command": { type: "boolean" },
        output: { type: "string", short: "o" },
      },
    }),
  );
  const kubeconfig = values.kubeconfig ?? `${values.data || DATA}/kubeconfig`;
  if (values.output !== undefined && values.output !== "json") throw new WrongUsage(`-o ${values.output} is not json`);
  switch (verb) {
    case "create": {
      const groups = values.groups?.flatMap((list) => list.split(",")) ?? TOKEN_GROUPS;
      const odd = groups.find((name) => !/^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/.test(name));
      if (odd !== undefined) throw new WrongUsage(`--groups ${odd} does not begin with system:bootstrappers:`);
      const [text, ...more] = positionals;
      if (more.length > 0) throw new WrongUsage("troupe token create makes one TOKEN");
      return {
        kubeconfig,
        command: {
          do: "create",
          token: text === undefined ? newToken() : parseToken(text),
          ttl_ms: duration_ms("--ttl", values.ttl),
          description: values.description,
          groups,
          printJoin: values["print-join-command"] === true,
        },
      };
    }
    case "list":
      return { kubeconfig, command: { do: "list", json: values.output === "json" } };
    case "delete": {
      if (positionals.length === 0) throw new WrongUsage("troupe token delete wants the TOKEN, or its first six characters");
      const ids = positionals.map((text) => (/^[a-z0-9]{6}$/.test(text) ? text : parseToken(text).id));
      return { kubeconfig, command: { do: "delete", ids } };
    }
    default:
      throw new WrongUsage(`troupe token ${verb ?? ""}: it is create, list or delete; see ${HELP}`);
  }
}

export interface CertsFlags {
  readonly do: "check" | "renew";
  readonly data: string;
  readonly json: boolean;
}

/** Throws WrongUsage. */
export function parseCertsFlags([verb, ...args]: readonly string[]): CertsFlags {
  const { values } = usageOf(HELP, () =>
    parseArgs({ args, strict: true, options: { data: { type: "string", default: DATA }, output: { type: "string", short: "o" } } }),
  );
  if (verb !== "check" && verb !== "renew") throw new WrongUsage(`troupe certs ${verb ?? ""}: it is check or renew; see ${HELP}`);
  if (values.output !== undefined && values.output !== "json") throw new WrongUsage(`-o ${values.output} is not json`);
  return { do: verb, data: values.data || DATA, json: values.output === "json" };
}

/** Throws WrongUsage. */
export function parseResetFlags(args: readonly string[]): { readonly data: string; readonly force: boolean } {
  const { values } = usageOf(HELP, () =>
    parseArgs({
      args: [...args],
      strict: true,
      options: { data: { type: "string" }, force: { type: "boolean", short: "f" } },
    }),
  );
  // What is removed is not to be guessed.
  if (!values.data) throw new WrongUsage("troupe reset wants --data DIR, the directory that goes");
  return { data: values.data, force: values.force === true };
}
