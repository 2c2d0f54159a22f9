import { hostname } from "node:os";
import { join } from "node:path";
import { addressInRange } from "../../actors/registry/service-range.ts";
import { openCertificateAuthority } from "./authority.ts";
import type { KeyPair } from "./issuing.ts";
import { kubeconfigText } from "./kubeconfig.ts";

/** As whom the API server speaks for others. */
export const FRONT_PROXY = "front-proxy-client";

/** The names that the API server answers to, as kubeadm gives them; every one is in its certificate. */
function apiServerNames({ range, clusterDomain }: ServicePlaces): readonly string[] {
  return [
    "127.0.0.1",
    "::1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    `kubernetes.default.svc.${clusterDomain}`,
    // Where pods find the API as the service `kubernetes`.
    addressInRange(range, 1),
  ];
}

/** Where services are found. */
export interface ServicePlaces {
  /** What they get their addresses from. */
  readonly range: string;
  readonly clusterDomain: string;
}

/** What a start needs of the cluster's PKI, all PEM. */
export interface ClusterCertificates {
  /** For the API server's listener: its key and certificate, and the authority that client certificates are checked against. */
  readonly server: { readonly key: string; readonly cert: string; readonly ca: string };
  /** The authority and its key, which signs what others ask to have certified. */
  readonly authority: KeyPair;
  /** What the API server shows to the servers behind APIServices, and the authority, of its own, by which they know it. */
  readonly frontProxy: { readonly key: string; readonly cert: string; readonly ca: string };
  /** The text of the administrator's kubeconfig (user kubernetes-admin, group system:masters) for the API at that URL. */
  kubeconfig(server: string): string;
}

/**
 * Opens the certificates in `directory`, making what is missing or nearly expired; takes some milliseconds when all are there.
 * Throws BootFailure.
 */
export async function openClusterCertificates(directory: string, places: ServicePlaces): Promise<ClusterCertificates> {
  const authority = await openCertificateAuthority(directory);
  const own = apiServerNames(places);
  const names = [...own, ...hostNames().filter((name) => !own.includes(name))];
  const server = await authority.issueOnce("apiserver", { commonName: "kube-apiserver", usages: ["server"], names });
  const user = await authority.issueOnce("admin", {
    commonName: "kubernetes-admin",
    organizations: ["system:masters"],
    withUid: true,
    usages: ["client"],
  });
  // Whoever this authority signs for may speak for anybody there, so no client's certificate is of it.
  const frontAuthority = await openCertificateAuthority(join(directory, "front-proxy"));
  const front = await frontAuthority.issueOnce("client", { commonName: FRONT_PROXY, usages: ["client"] });
  return {
    frontProxy: { key: front.key, cert: front.cert, ca: frontAuthority.cert },
    server: { key: server.key, cert: server.cert, ca: authority.cert },
    authority: authority.pair,
    kubeconfig: (url) => kubeconfigText({ server: url, authority: authority.cert, user }),
  };
}

/** This machine's name, when it can stand in a certificate as one. */
function hostNames(): readonly string[] {
  const name = hostname().toLowerCase();
  return /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name) ? [name] : [];
}
