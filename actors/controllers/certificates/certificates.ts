/** What the controllers of certificate requests share. Source: pkg/apis/certificates/helpers.go and pkg/controller/certificates of Kubernetes 1.34. */
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from "../../kinds/generated/types.ts";

export const REQUESTS = "certificatesigningrequests.certificates.k8s.io";

export const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client";
export const KUBELET_CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet";
export const KUBELET_SERVING_SIGNER = "kubernetes.io/kubelet-serving";

/** What somebody asks to have certified, as far as rules look at it. */
export interface CertificateContent {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

/** Who reads and signs requests, and knows who may ask for what. */
export interface Certifier {
  /** Throws what is wrong with the request: base64 of PEM. */
  read(request: string): Promise<CertificateContent>;
  /** The certificate, PEM, for so many seconds. */
  sign(request: string, usages: readonly string[], seconds: number): Promise<string>;
  /** Whether the user of a request may have it approved at once: `create` on this subresource of requests. */
  mayHave(request: CertificateSigningRequest, subresource: "nodeclient" | "selfnodeclient" | "selfnodeserver"): Promise<boolean>;
}

export function conditionOfRequest({ status }: CertificateSigningRequest, type: string): CertificateSigningRequestCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** What is wrong with a request for a kubelet's client certificate; undefined: nothing. */
export function wrongWithKubeletClient(content: CertificateContent, usages: readonly string[]): string | undefined {
  const { organizations, commonName, dnsNames, emails, ipAddresses, uris } = content;
  if (organizations.length !== 1 || organizations[0] !== "system:nodes") return "subject organization is not system:nodes";
  if (dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (emails.length > 0) return "Email subjectAltNames are not allowed";
  if (ipAddresses.length > 0) return "IP subjectAltNames are not allowed";
  if (uris.length > 0) return "URI subjectAltNames are not allowed";
  if (!commonName.startsWith("system:node:")) return "subject common name does not begin with system:node:";
  return wrongWithUsages(usages, "client auth");
}

/** The same for what a kubelet serves with. */
export function wrongWithKubeletServing(content: CertificateContent, usages: readonly string[]): string | undefined {
  const { organizations, commonName, dnsNames, emails, ipAddresses, uris } = content;
  if (organizations.length !== 1 || organizations[0] !== "system:nodes") return "subject organization is not system:nodes";
  if (dnsNames.length + ipAddresses.length === 0) return "DNS or IP subjectAltName is required";
  if (emails.length > 0) return "Email subjectAltNames are not allowed";
  if (uris.length > 0) return "URI subjectAltNames are not allowed";
  return (
    wrongWithUsages(usages, "server auth") ??
    (commonName.startsWith("system:node:") ? undefined : "subject common name does not begin with system:node:")
  );
}

/**
 * What a machine that has joined is called as a server, by who asks it for logs and streams: a name that leads nowhere, so that a certificate for it is good for nothing
 * else, whatever the node is called and whichever addresses it says it has.
 */
export function nodeServerName(node: string): string {
  return `${node}.node.troupe.internal`;
}

/** All that are needed and no others; keys that are not RSA encipher nothing. */
function wrongWithUsages(usages: readonly string[], purpose: string): string | undefined {
  const wanted = ["digital signature", "key encipherment", purpose].sort();
  const given = [...new Set(usages)].sort();
  const same = (some: readonly string[]): boolean => some.length === given.length && some.every((one, index) => one === given[index]);
  return same(wanted) || same(wanted.filter((one) => one !== "key encipherment"))
    ? undefined
    : `usages did not match [${wanted.join(" ")}]`;
}

/** The same for any other client. */
export function wrongWithClient(usages: readonly string[]): string | undefined {
  const known = ["digital signature", "key encipherment", "client auth"];
  if (usages.some((usage) => !known.includes(usage))) return "invalid usages for client certificate";
  return usages.includes("client auth") ? undefined : `usages did not include ["client auth"]`;
}
