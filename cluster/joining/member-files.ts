import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BootFailure } from "../boot/failure.ts";
import type { KeyPair } from "../pki/issuing.ts";
import { makePrivateDirectory, readKeyPair, writeKeyPair, writePrivateFile } from "../pki/key-pair-file.ts";
import { kubeconfigText } from "../pki/kubeconfig.ts";

/** In the data directory of a machine that has joined a cluster. */
const MEMBER = "member.json";
const NODE = "pki/node.pem";
const SERVING = "pki/serving.pem";
const AUTHORITY = "pki/authority.pem";
/** That of a cluster's own authority: such a directory is no member's. */
const OWN_AUTHORITY = "pki/ca.pem";

/** What a machine that has joined knows of its cluster. */
export interface Membership {
  readonly server: string;
  readonly node: string;
}

/** The files by which a machine is part of a cluster: 0600 in 0700. Each is written whole or not at all, and `member.json` last. */
export class MemberFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  static isMember(directory: string): boolean {
    return existsSync(join(directory, MEMBER));
  }

  /** Throws BootFailure where a cluster of its own lives. */
  refuseCluster(): void {
    if (existsSync(this.#file(OWN_AUTHORITY)))
      throw new BootFailure(
        `a cluster of its own lives in ${this.#directory}; join with another --data DIR, or remove that one with \`troupe reset\``,
      );
  }

  /** The certificate of the node and its key; undefined where there is none yet. */
  get node(): KeyPair | undefined {
    return readKeyPair(this.#file(NODE));
  }

  /** Throws BootFailure where there is none. */
  get nodePair(): KeyPair {
    const pair = this.node;
    if (pair === undefined)
      throw new BootFailure(`the certificate of this node is gone; remove ${this.#directory} with \`troupe reset\`, and join again`);
    return pair;
  }

  /** That of the node's door. */
  get serving(): KeyPair | undefined {
    return readKeyPair(this.#file(SERVING));
  }

  writeNode(pair: KeyPair): void {
    makePrivateDirectory(this.#file("pki"));
    writeKeyPair(this.#file(NODE), pair);
  }

  writeServing(pair: KeyPair): void {
    writeKeyPair(this.#file(SERVING), pair);
  }

  /** The authority of the cluster, PEM. Throws BootFailure. */
  get authority(): string {
    return this.#read(AUTHORITY);
  }

  writeAuthority(authority: string): void {
    makePrivateDirectory(this.#file("pki"));
    writePrivateFile(this.#file(AUTHORITY), authority);
  }

  get membership(): Membership {
    return JSON.parse(this.#read(MEMBER)) as Membership;
  }

  writeMembership(membership: Membership): void {
    writePrivateFile(this.#file(MEMBER), `${JSON.stringify(membership, null, 2)}\n`);
  }

  /** As whom the machine is known to the API, for kubectl. */
  writeKubeconfig({ server, node }: Membership, user: KeyPair): void {
    writePrivateFile(
      this.#file("kubeconfig"),
      kubeconfigText({ server, authority: this.authority, user, userName: `system:node:${node}` }),
    );
  }

  #read(name: string): string {
    try {
      return readFileSync(this.#file(name), "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new BootFailure(`cannot read ${this.#file(name)} (${code}); remove ${this.#directory} with \`troupe reset\`, and join again`);
    }
  }

  #file(name: string): string {
    return join(this.#directory, name);
  }
}
