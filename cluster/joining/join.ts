import { X509Certificate } from "node:crypto";
import { networkInterfaces } from "node:os";
import { createUser, fromSeed } from "nkeys.js";
import type { Node } from "../../actors/kinds/generated/types.ts";
import { MACHINE_LABEL, RUNTIME_LABEL } from "../../actors/node/runtime.ts";
import { BootFailure } from "../boot/failure.ts";
import { seedOf } from "../nats/accounts.ts";
import type { NatsAddress } from "../nats/address.ts";
import { credentialsText } from "../nats/claims.ts";
import type { MemberCredentials } from "../nats/members.ts";
import { lifeOf } from "../pki/certificates.ts";
import type { KeyPair } from "../pki/issuing.ts";
import type { Life } from "../pki/renewal.ts";
import { requestCertificate } from "./certificate.ts";
import { discover } from "./discovery.ts";
import type { JoinTarget } from "./flags.ts";
import type { MemberFiles, Membership } from "./member-files.ts";
import { ApiRefusal, type Session, type SessionAccess, withSession } from "./session.ts";
import { tokenText } from "./token.ts";

/** Controllers approve and sign at once; an administrator takes longer. */
const APPROVAL_MS = 60_000;
const SERVING_APPROVAL_MS = 24 * 3_600_000;

/** What a machine is given to be part of its cluster with. */
export interface Admission {
  readonly nats: NatsAddress;
  readonly life: Life;
}

/**
 * Makes a machine a member of a cluster: finds out whom to trust, has its certificate signed, makes its Node with it, and is let in to the cluster's NATS where that is
 * its own (`ownNats`). What was done before and cut short is gone on with. Throws BootFailure.
 */
export async function join(
  files: MemberFiles,
  { node, ...target }: JoinTarget,
  { runtime, ownNats }: { readonly runtime: string; readonly ownNats: boolean },
): Promise<void> {
  files.refuseCluster();
  const { server, authority } = await discover(target);
  const bearer: SessionAccess = { ...trusting(server, authority), token: tokenText(target.token) };
  const wasCutShort = isOf(files.node, node, authority);
  await withSession(bearer, async (session) => {
    if (!wasCutShort) {
      const existing = await session.find<Node>(`/api/v1/nodes/${node}`);
      if (existing !== undefined)
        throw new BootFailure(
          `the cluster at ${server} has a node ${node} already; say --node-name, or \`kubectl delete node ${node}\` if it is gone for good`,
        );
      files.writeAuthority(authority);
      files.writeNode(await requestCertificate(session, clientOf(node)));
    }
    const member = { server, node };
    files.writeKubeconfig(member, nodePair(files));
    await withSession(as(files, member), (own) => ensureNode(own, node, runtime));
    if (ownNats) await admitted(files, member, session);
    files.writeMembership(member);
  });
}

/** Lets the machine in again, or for the first time with the session of a token. Throws BootFailure. */
async function admitted(files: MemberFiles, member: Membership, bearer: Session): Promise<void> {
  try {
    await withSession(as(files, member), (own) => askCredentials(files, member, own));
  } catch (error) {
    // Until a token has let it in, its certificate does not.
    if (!(error instanceof ApiRefusal) || error.status !== 403) throw error;
    await askCredentials(files, member, bearer);
  }
}

/** What a member goes on with: asked for anew at each start, since where NATS is may have changed. Throws BootFailure. */
export async function admit(files: MemberFiles, member: Membership): Promise<Admission> {
  return withSession(as(files, member), async (session) => {
    const answer = await askCredentials(files, member, session);
    const { servers, certificateAuthority: ca, jwt, notBefore, expirationTimestamp } = answer;
    return {
      nats: { servers, credentials: credentialsText(jwt, natsSeed(files)), ...(ca === undefined ? {} : { ca }) },
      life: { from_ms: Date.parse(notBefore), to_ms: Date.parse(expirationTimestamp) },
    };
  });
}

async function askCredentials(files: MemberFiles, { node, server }: Membership, session: Session): Promise<MemberCredentials> {
  const publicKey = fromSeed(Buffer.from(natsSeed(files))).getPublicKey();
  try {
    return await session.call<MemberCredentials>("POST", "/troupe/member-credentials", { node, publicKey });
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.status !== 404) throw error;
    throw new BootFailure(
      `others run the NATS servers of the cluster at ${server}, so it lets nobody in there: say --nats URL as they gave it`,
    );
  }
}

function natsSeed(files: MemberFiles): string {
  return files.natsSeed(() => seedOf(createUser()));
}

/** Has a new certificate signed for the node, in the name of the one that it has. Gives its life. Throws BootFailure. */
export async function renewNode(files: MemberFiles, member: Membership): Promise<Life> {
  const pair = await withSession(as(files, member), (session) => requestCertificate(session, clientOf(member.node)));
  files.writeNode(pair);
  files.writeKubeconfig(member, pair);
  return lifeOf([pair]);
}

/** Asks for a certificate for what the node serves, by all its addresses; a person has to approve it. Throws BootFailure. */
export async function requestServing(files: MemberFiles, member: Membership): Promise<Life> {
  const { node } = member;
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, scopeid }) => !internal && !scopeid)
    .map(({ address }) => address);
  const wish = { commonName: `system:node:${node}`, organizations: ["system:nodes"], names: [node, ...addresses] };
  const pair = await withSession(as(files, member), (session) =>
    requestCertificate(session, { ...wish, signer: "kubernetes.io/kubelet-serving", patience_ms: SERVING_APPROVAL_MS }),
  );
  files.writeServing(pair);
  return lifeOf([pair]);
}

function clientOf(node: string): Parameters<typeof requestCertificate>[1] {
  return {
    commonName: `system:node:${node}`,
    organizations: ["system:nodes"],
    signer: "kubernetes.io/kube-apiserver-client-kubelet",
    patience_ms: APPROVAL_MS,
  };
}

async function ensureNode(session: Session, name: string, runtime: string): Promise<void> {
  const labels = {
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": process.arch === "x64" ? "amd64" : process.arch,
    [RUNTIME_LABEL]: runtime,
    [MACHINE_LABEL]: name,
  };
  const node = { metadata: { name, labels } };
  await session.call("POST", "/api/v1/nodes", node).catch((error: unknown) => {
    if (!(error instanceof ApiRefusal) || error.status !== 409) throw error;
  });
}

function trusting(server: string, authority: string): SessionAccess {
  return { origin: server, authority, insecure: false, clientCertificate: undefined, clientKey: undefined, token: undefined };
}

/** The node as its certificate says. */
function as(files: MemberFiles, { server }: Membership): SessionAccess {
  const { cert, key } = nodePair(files);
  return { ...trusting(server, files.authority), clientCertificate: cert, clientKey: key };
}

function nodePair(files: MemberFiles): KeyPair {
  const pair = files.node;
  if (pair === undefined)
    throw new BootFailure("the certificate of this node is gone; remove its data directory with `troupe reset`, and join again");
  return pair;
}

/** Whether a certificate is this node's, of that authority. */
function isOf(pair: KeyPair | undefined, node: string, authority: string): boolean {
  if (pair === undefined) return false;
  const certificate = new X509Certificate(pair.cert);
  return certificate.subject.includes(`CN=system:node:${node}`) && certificate.verify(new X509Certificate(authority).publicKey);
}
