import { X509Certificate } from "node:crypto";
import { nodeServerName } from "../../actors/controllers/certificates/certificates.ts";
import type { Node } from "../../actors/kinds/generated/types.ts";
import { BootFailure } from "../boot/failure.ts";
import type { KeyPair } from "../pki/issuing.ts";
import { type CertificateWish, requestCertificate } from "./certificate.ts";
import { discover } from "./discovery.ts";
import type { JoinTarget } from "./flags.ts";
import type { MemberFiles, Membership } from "./member-files.ts";
import { type SessionAccess, withSession } from "./session.ts";
import { tokenText } from "./token.ts";

/** Controllers approve and sign at once; an administrator takes longer. */
const APPROVAL_MS = 60_000;
/** A machine that was away for longer joins anew. Nobody can take a certificate back, so this is how long one opens what it opens after its machine has left. */
const CERTIFICATE_LIFE_MS: number = 30 * 24 * 3_600_000;

/**
 * Makes a machine a node of a cluster: finds out whom to trust, and has its certificate signed, by which it is to the API what a kubelet is. What was done before and cut short is
 * gone on with. Throws BootFailure.
 */
export async function join(files: MemberFiles, { node, ...target }: JoinTarget): Promise<void> {
  files.refuseCluster();
  const { server, authority } = await discover(target);
  const bearer: SessionAccess = { ...trusting(server, authority), token: tokenText(target.token) };
  if (!isOf(files.node, node, authority)) {
    files.writeNode(
      await withSession(bearer, async (session) => {
        const existing = await session.find<Node>(`/api/v1/nodes/${node}`);
        if (existing !== undefined)
          throw new BootFailure(
            `the cluster at ${server} has a node ${node} already; say --node-name, or \`kubectl delete node ${node}\` if it is gone for good`,
          );
        files.writeAuthority(authority);
        return requestCertificate(session, clientOf(node));
      }),
    );
  }
  const member = { server, node };
  files.writeKubeconfig(member, files.nodePair);
  files.writeMembership(member);
}

/** Has a new certificate signed for the node, in the name of the one that it has. Throws BootFailure. */
export async function renewNode(files: MemberFiles, member: Membership): Promise<KeyPair> {
  const pair = await withSession(as(files, member), (session) => requestCertificate(session, clientOf(member.node)));
  files.writeNode(pair);
  files.writeKubeconfig(member, pair);
  return pair;
}

/** Has a certificate signed for the node's door, by the name under which the API server knows it. Throws BootFailure. */
export async function requestServing(files: MemberFiles, member: Membership): Promise<KeyPair> {
  const { node } = member;
  const names = [nodeServerName(node)];
  const wish: CertificateWish = { ...clientOf(node), names, signer: "kubernetes.io/kubelet-serving" };
  const pair = await withSession(as(files, member), (session) => requestCertificate(session, wish));
  files.writeServing(pair);
  return pair;
}

function clientOf(node: string): CertificateWish {
  return {
    commonName: `system:node:${node}`,
    organizations: ["system:nodes"],
    signer: "kubernetes.io/kube-apiserver-client-kubelet",
    patience_ms: APPROVAL_MS,
    life_ms: CERTIFICATE_LIFE_MS,
  };
}

function trusting(server: string, authority: string): SessionAccess {
  return { origin: server, authority, insecure: false, clientCertificate: undefined, clientKey: undefined, token: undefined };
}

/** The node as its certificate says. */
function as(files: MemberFiles, { server }: Membership): SessionAccess {
  const { cert, key } = files.nodePair;
  return { ...trusting(server, files.authority), clientCertificate: cert, clientKey: key };
}

/** Whether a certificate is this node's, of that authority. */
function isOf(pair: KeyPair | undefined, node: string, authority: string): boolean {
  if (pair === undefined) return false;
  const certificate = new X509Certificate(pair.cert);
  return certificate.subject.includes(`CN=system:node:${node}`) && certificate.verify(new X509Certificate(authority).publicKey);
}
