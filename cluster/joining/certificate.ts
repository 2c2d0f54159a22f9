import { randomBytes } from "node:crypto";
import type { CertificateSigningRequest } from "../../actors/kinds/generated/types.ts";
import { BootFailure } from "../boot/failure.ts";
import { makeRequest, type RequestContent } from "../pki/certificate-request.ts";
import type { KeyPair } from "../pki/issuing.ts";
import type { Session } from "./session.ts";

/** One of the signers of the cluster itself, and what its certificates are for. */
export type Signer =
  | "kubernetes.io/kube-apiserver-client"
  | "kubernetes.io/kube-apiserver-client-kubelet"
  | "kubernetes.io/kubelet-serving";

const PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const USAGES: Readonly<Record<Signer, readonly string[]>> = {
  "kubernetes.io/kube-apiserver-client": ["digital signature", "client auth"],
  "kubernetes.io/kube-apiserver-client-kubelet": ["digital signature", "client auth"],
  "kubernetes.io/kubelet-serving": ["digital signature", "server auth"],
};
const POLL_MS = 100;

export interface CertificateWish extends RequestContent {
  readonly signer: Signer;
  /** How long it may take until somebody approves it. */
  readonly patience_ms: number;
  /** How long it is to hold; undefined: as long as the signer gives. */
  readonly life_ms?: number;
  /** Who asks may approve it, and does. */
  readonly approve?: boolean;
}

/** A certificate of the cluster's authority for a key that is made here and stays here. Throws BootFailure. */
export async function requestCertificate(
  session: Session,
  { signer, patience_ms, life_ms, approve, ...content }: CertificateWish,
): Promise<KeyPair> {
  const { request, key } = await makeRequest(content);
  const name = `troupe-${content.commonName.replaceAll(/[^a-z0-9-]/g, "-")}-${randomBytes(4).toString("hex")}`;
  const expiring = life_ms === undefined ? {} : { expirationSeconds: Math.floor(life_ms / 1_000) };
  const spec = { signerName: signer, usages: USAGES[signer], request: Buffer.from(request).toString("base64"), ...expiring };
  const made = await session.call<CertificateSigningRequest>("POST", PATH, { metadata: { name }, spec });
  if (approve) {
    const conditions = [{ type: "Approved", status: "True", reason: "ApprovedByTroupe", message: "Its maker, who may, approved it." }];
    await session.call("PUT", `${PATH}/${name}/approval`, { ...made, status: { conditions } });
  }
  const deadline_ms = performance.now() + patience_ms;
  for (;;) {
    const { status = {} } = await session.call<CertificateSigningRequest>("GET", `${PATH}/${name}`);
    if (status.certificate) return { cert: Buffer.from(status.certificate, "base64").toString(), key };
    const refused = status.conditions?.find(({ type }) => type === "Denied" || type === "Failed");
    if (refused !== undefined) throw new BootFailure(`the certificate request ${name} was refused: ${refused.message || refused.reason}`);
    if (performance.now() > deadline_ms)
      throw new BootFailure(
        `nobody approved the certificate request ${name} within ${patience_ms / 1_000} s: kubectl certificate approve ${name}`,
      );
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
