import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { createAccount, createOperator, createUser, fromSeed, type KeyPair } from "nkeys.js";
import { BootFailure } from "../boot/failure.ts";
import { makePrivateDirectory, writePrivateFile } from "../pki/key-pair-file.ts";
import { accountToken, credentialsText, operatorToken, type Sharing, type UserClaims, userToken } from "./claims.ts";
import { DISCOVERY, REQUESTS, WATCHES } from "./subjects.ts";

/** Below the directory of certificates. */
export const NATS_KEYS_FILE = "nats.keys";

/** The seeds of the cluster's nkeys. Who has the operator's makes accounts, who has an account's makes users of it. */
export interface NatsKeys {
  readonly operator: string;
  readonly system: string;
  /** The cluster's hosts: its log and its messages. */
  readonly cluster: string;
  /** Everybody else. */
  readonly clients: string;
}

const KEY_NAMES = ["operator", "system", "cluster", "clients"] as const;

/** What clients have of the cluster's subjects; all others do not exist for them. */
const SHARED: readonly Sharing[] = [
  { name: "requests", subject: `${REQUESTS}.>`, type: "service" },
  { name: "watches", subject: `${WATCHES}.>`, type: "stream" },
  // Every host that has the door answers.
  { name: "discovery", subject: `${DISCOVERY}.>`, type: "service", answers: "Stream" },
];

/** What lies in the file: the keys, and what was signed with them, since signing it at each start would hold that up. */
interface Stored {
  readonly keys: NatsKeys;
  /** By which the configuration was made; another version of this program may have others. */
  readonly shared: readonly Sharing[];
  readonly configuration: string;
  /** Credentials of the hosts of this directory. */
  readonly hosts: string;
}

/** Who may do what on the cluster's own NATS server: an operator, and under it an account for the hosts and another for clients. */
export class NatsAccounts {
  readonly keys: NatsKeys;
  #configuration: string | undefined;
  #hosts: string | undefined;
  readonly #pairs: Readonly<Record<keyof NatsKeys, KeyPair>>;

  constructor(keys: NatsKeys) {
    this.keys = keys;
    const pair = (seed: string): KeyPair => fromSeed(Buffer.from(seed));
    this.#pairs = { operator: pair(keys.operator), system: pair(keys.system), cluster: pair(keys.cluster), clients: pair(keys.clients) };
  }

  /** Reads the keys in that directory, or makes them at the first start: 0600 in 0700. Throws BootFailure. */
  static open(file: string): NatsAccounts {
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT") throw new BootFailure(`cannot read ${file} (${code}); mend its permissions`);
      makePrivateDirectory(dirname(file));
      return new NatsAccounts(newKeys()).#stored(file);
    }
    try {
      const { keys, shared, configuration, hosts } = JSON.parse(text) as Partial<Stored>;
      if (keys === undefined || !KEY_NAMES.every((name) => typeof keys[name] === "string")) throw new Error("it lacks one of its keys");
      const accounts = new NatsAccounts(keys);
      if (configuration === undefined || hosts === undefined || !isDeepStrictEqual(shared, SHARED)) return accounts.#stored(file);
      accounts.#configuration = configuration;
      accounts.#hosts = hosts;
      return accounts;
    } catch (error) {
      throw new BootFailure(
        `${file} is damaged: ${(error as Error).message}; remove it and start again: the keys are made anew (clients and joined machines need new credentials then)`,
      );
    }
  }

  /** The name by which JetStream knows the account of the hosts. */
  get cluster(): string {
    return this.#pairs.cluster.getPublicKey();
  }

  /** The same of the clients' account. */
  get clients(): string {
    return this.#pairs.clients.getPublicKey();
  }

  /** The part of a nats-server's configuration that says all this. */
  configuration(): string {
    this.#configuration ??= this.#signed();
    return this.#configuration;
  }

  #stored(file: string): this {
    const stored: Stored = { keys: this.keys, shared: SHARED, configuration: this.configuration(), hosts: this.hostCredentials() };
    writePrivateFile(file, `${JSON.stringify(stored, null, 2)}\n`);
    return this;
  }

  #signed(): string {
    const { operator, system, cluster, clients } = this.#pairs;
    const [systemId, clusterId, clientsId] = [system, cluster, clients].map((pair) => pair.getPublicKey());
    const tokens: readonly (readonly [string | undefined, string])[] = [
      [systemId, accountToken(operator, { name: "SYS", publicKey: systemId ?? "", jetStream: false })],
      [clusterId, accountToken(operator, { name: "cluster", publicKey: clusterId ?? "", jetStream: true, exports: SHARED })],
      [
        clientsId,
        accountToken(operator, {
          name: "clients",
          publicKey: clientsId ?? "",
          jetStream: false,
          imports: SHARED.map((shared) => ({ ...shared, account: clusterId ?? "" })),
        }),
      ],
    ];
    return `operator: ${operatorToken(operator, "troupe", systemId ?? "")}
system_account: ${systemId}
resolver: MEMORY
resolver_preload {
${tokens.map(([account, token]) => `  ${account}: ${token}`).join("\n")}
}`;
  }

  /** Credentials of the user that this directory's hosts are, who may do everything in their account. */
  hostCredentials(): string {
    if (this.#hosts === undefined) {
      const user = createUser();
      this.#hosts = credentialsText(userToken(this.#pairs.cluster, { name: "hosts", publicKey: user.getPublicKey() }), seedOf(user));
    }
    return this.#hosts;
  }

  /** Credentials of a user who sees what the server does, and ends connections; they end after `life_s`. */
  systemCredentials(now_ms: number, life_s: number): string {
    const user = createUser();
    const claims = { name: "system", publicKey: user.getPublicKey(), expires_s: Math.floor(now_ms / 1_000) + life_s };
    return credentialsText(userToken(this.#pairs.system, claims), seedOf(user));
  }

  /** Says that a key is a user's. */
  certify(account: "cluster" | "clients" | "system", user: UserClaims): string {
    return userToken(this.#pairs[account], user);
  }
}

function newKeys(): NatsKeys {
  const account = (): string => seedOf(createAccount());
  return { operator: seedOf(createOperator()), system: account(), cluster: account(), clients: account() };
}

export function seedOf(pair: KeyPair): string {
  return Buffer.from(pair.getSeed()).toString();
}
