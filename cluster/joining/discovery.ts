import { X509Certificate } from "node:crypto";
import { compactVerify } from "jose";
import { parse } from "yaml";
import type { ConfigMap } from "../../actors/kinds/generated/types.ts";
import { BootFailure } from "../boot/failure.ts";
import { CLUSTER_INFO_PATH } from "./objects.ts";
import { type SessionAccess, withSession } from "./session.ts";
import { authorityHash, type JoinToken } from "./token.ts";

/** A cluster as it describes itself. */
export interface DiscoveredCluster {
  /** `https://host:port` */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
}

export interface Discovery {
  /** Where it is asked: `https://host:port`. */
  readonly server: string;
  readonly token: JoinToken;
  /** What its authority may be: `sha256:<hex>`; empty: any, by the token alone. */
  readonly authorityHashes: readonly string[];
}

/** The controllers sign with a token a moment after it was made. */
const PATIENCE_MS = 10_000;
const POLL_MS = 200;

/**
 * Finds out whom to trust, of a server of which nothing is known but a token and a hash: what the server says of the cluster has to be signed with the token, the
 * authority that it names to have that hash, and the server to show a certificate of it and to say the same again. Source: kubeadm's discovery/token. Throws BootFailure.
 */
export async function discover(
  { server, token, authorityHashes }: Discovery,
  patience_ms: number = PATIENCE_MS,
): Promise<DiscoveredCluster> {
  const nobody = { origin: server, clientCertificate: undefined, clientKey: undefined, token: undefined };
  const described = await signedDescription({ ...nobody, authority: undefined, insecure: true }, token, patience_ms);
  const cluster = clusterIn(described);
  const hash = authorityHash(publicKeyOf(cluster.authority));
  if (authorityHashes.length > 0 && !authorityHashes.includes(hash)) {
    throw new BootFailure(
      `the authority of ${server} is ${hash}, which is none of those that --discovery-token-ca-cert-hash names: it is another cluster's, or somebody is in between`,
    );
  }
  const again = await signedDescription({ ...nobody, authority: cluster.authority, insecure: false }, token, patience_ms);
  if (again !== described) throw new BootFailure(`${server} describes its cluster otherwise to those who know its authority; join again`);
  return cluster;
}

async function signedDescription(access: SessionAccess, token: JoinToken, patience_ms: number): Promise<string> {
  return withSession(access, async (session) => {
    const deadline_ms = performance.now() + patience_ms;
    for (;;) {
      const info = await session.find<ConfigMap>(CLUSTER_INFO_PATH);
      const text = info?.data?.kubeconfig;
      if (text === undefined) {
        throw new BootFailure(`${access.origin} has no description of its cluster: it was not started with \`troupe init\``);
      }
      const signature = info?.data?.[`jws-kubeconfig-${token.id}`];
      if (signature !== undefined) {
        if (await isSignedWith(token, text, signature)) return text;
        throw new BootFailure(
          `the description of the cluster at ${access.origin} is signed with another token of that name: have one made anew`,
        );
      }
      if (performance.now() > deadline_ms)
        throw new BootFailure(
          `${access.origin} knows no token ${token.id}: it has ended, or is of another cluster; \`troupe token create --print-join-command\` there makes one`,
        );
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  });
}

/** The signature is a JSON web signature without what it signs, `header..signature`. */
async function isSignedWith({ id, secret }: JoinToken, text: string, signature: string): Promise<boolean> {
  const [header = "", empty, code = ""] = signature.split(".");
  if (empty !== "") return false;
  const whole = `${header}.${Buffer.from(text).toString("base64url")}.${code}`;
  try {
    const { protectedHeader } = await compactVerify(whole, Buffer.from(secret), { algorithms: ["HS256"] });
    return protectedHeader.kid === id;
  } catch {
    return false;
  }
}

interface Described {
  readonly clusters?: readonly { readonly cluster?: { readonly server?: string; readonly "certificate-authority-data"?: string } }[];
}

function clusterIn(kubeconfig: string): DiscoveredCluster {
  const { server, "certificate-authority-data": data } = (parse(kubeconfig) as Described | null)?.clusters?.[0]?.cluster ?? {};
  if (server === undefined || data === undefined || !URL.canParse(server))
    throw new BootFailure("the description of the cluster names no server, or no authority");
  return { server: new URL(server).origin, authority: Buffer.from(data, "base64").toString() };
}

/** DER of the public key of a certificate. */
export function publicKeyOf(certificate: string): Buffer {
  try {
    return new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  } catch (error) {
    throw new BootFailure(`the authority in the description of the cluster is no certificate (${(error as Error).message})`);
  }
}
