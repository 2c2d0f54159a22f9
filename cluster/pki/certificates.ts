import { X509Certificate } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { API_ADDRESS_NUMBER, addressInRange } from "../../actors/registry/service-range.ts";
import { openCertificateAuthority } from "./authority.ts";
import type { CertificateRequest, KeyPair } from "./issuing.ts";
import { readKeyPair } from "./key-pair-file.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import type { Life } from "./renewal.ts";

/** As whom the API server asks machines that have joined for what is on them; the name is kubeadm's. */
export const KUBELET_CLIENT = "kube-apiserver-kubelet-client";

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
    addressInRange(range, API_ADDRESS_NUMBER),
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
  /** For the NATS server, where other machines reach it. */
  readonly nats: { readonly key: string; readonly cert: string; readonly ca: string } | undefined;
  /** The authority and its key, which signs what others ask to have certified. */
  readonly authority: KeyPair;
  /** What the API server shows to the servers behind APIServices, and the authority, of its own, by which they know it. */
  readonly frontProxy: { readonly key: string; readonly cert: string; readonly ca: string };
  /** What the API server shows to machines that have joined, and the authority by which it knows them. */
  readonly kubeletClient: { readonly key: string; readonly cert: string; readonly ca: string };
  /** The text of the administrator's kubeconfig (user kubernetes-admin, group system:masters) for the API at that URL. */
  kubeconfig(server: string): string;
  /** In which all of them are good. */
  readonly life: Life;
}

export interface CertificatesWish {
  /** Undefined: the API server's certificate keeps the names that it has. */
  readonly places: ServicePlaces | undefined;
  /** The address by which other machines reach this one. */
  readonly advertised?: string | undefined;
  /** All but the authorities are made anew. */
  readonly renewed?: boolean;
  readonly now_ms?: () => number;
}

/**
 * Opens the certificates in `directory`, making what is missing or nearly expired; takes some milliseconds when all are there.
 * Throws BootFailure.
 */
export async function openClusterCertificates(
  directory: string,
  { places, advertised, renewed = false, now_ms = Date.now }: CertificatesWish,
): Promise<ClusterCertificates> {
  const authority = await openCertificateAuthority(directory, now_ms);
  const how = renewed ? "renew" : "issueOnce";
  const own = advertised === undefined ? [] : [advertised];
  const names = places === undefined ? namesIn(directory) : [...new Set([...apiServerNames(places), ...hostNames(), ...own])];
  const server = await authority[how]("apiserver", { commonName: "kube-apiserver", usages: ["server"], names });
  const user = await authority[how]("admin", {
    commonName: "kubernetes-admin",
    organizations: ["system:masters"],
    withUid: true,
    usages: ["client"],
  });
  const kubelet = await authority[how]("apiserver-kubelet-client", { commonName: KUBELET_CLIENT, usages: ["client"] });
  const nats = advertised === undefined ? undefined : await authority[how]("nats-server", NATS_SERVER(advertised));
  // Whoever this authority signs for may speak for anybody there, so no client's certificate is of it.
  const frontAuthority = await openCertificateAuthority(join(directory, "front-proxy"), now_ms);
  const front = await frontAuthority[how]("client", { commonName: FRONT_PROXY, usages: ["client"] });
  return {
    frontProxy: { key: front.key, cert: front.cert, ca: frontAuthority.cert },
    nats: nats === undefined ? undefined : { ...nats, ca: authority.cert },
    server: { key: server.key, cert: server.cert, ca: authority.cert },
    authority: authority.pair,
    kubeletClient: { key: kubelet.key, cert: kubelet.cert, ca: authority.cert },
    kubeconfig: (url) => kubeconfigText({ server: url, authority: authority.cert, user }),
    life: lifeOf([server, user, front, kubelet, ...(nats === undefined ? [] : [nats])]),
  };
}

/** The address by which other machines reach this one, as the certificate of NATS has it; undefined: none does. */
export function advertisedBy(directory: string): string | undefined {
  const names = readKeyPair(join(directory, "nats-server.pem"))?.certificate.subjectAltName ?? "";
  return /IP Address:([^,]+)/.exec(names)?.[1];
}

/** What the API server is called in the certificate that it has. */
function namesIn(directory: string): readonly string[] {
  const names = readKeyPair(join(directory, "apiserver.pem"))?.certificate.subjectAltName ?? "";
  return [...names.matchAll(/(?:DNS|IP Address):([^,]+)/g)].map(([, name = ""]) => name);
}

/** When each of these is good. */
export function lifeOf(pairs: readonly Pick<KeyPair, "cert">[]): Life {
  const certificates = pairs.map(({ cert }) => new X509Certificate(cert));
  return {
    from_ms: Math.max(...certificates.map(({ validFromDate }) => validFromDate.getTime())),
    to_ms: Math.min(...certificates.map(({ validToDate }) => validToDate.getTime())),
  };
}

const NATS_SERVER = (advertised: string): CertificateRequest => ({ commonName: "nats-server", usages: ["server"], names: [advertised] });

/** This machine's name, when it can stand in a certificate as one. */
function hostNames(): readonly string[] {
  const name = hostname().toLowerCase();
  return /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name) ? [name] : [];
}
