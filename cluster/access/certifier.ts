import type { CertificateSigningRequest, Certifier } from "../../actors/mod.ts";
import type { Clock } from "../../runtime/mod.ts";
import { parseCertificateRequest } from "../pki/certificate-request.ts";
import type { KeyPair } from "../pki/issuing.ts";
import { signRequest } from "../pki/signing.ts";
import { onResource } from "./authorization/attributes.ts";
import type { Authorizer } from "./authorization/authorizer.ts";

/** Clients whose clock is behind ours accept a new certificate all the same. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;

/** Certifies in the name of the cluster's authority. */
export function createCertifier(authority: KeyPair, authorizer: () => Authorizer, clock: Clock): Certifier {
  return {
    read: parseCertificateRequest,
    async sign(request, usages, seconds) {
      const now_ms = clock.now_ms();
      const validity = { from: new Date(now_ms - CLOCK_SKEW_MS), to: new Date(now_ms + seconds * 1_000) };
      return signRequest(authority, await parseCertificateRequest(request), usages, validity);
    },
    mayHave: async ({ spec }: CertificateSigningRequest, subresource) => {
      const { username = "", groups = [] } = spec;
      const asked = onResource({ verb: "create", group: "certificates.k8s.io", resource: "certificatesigningrequests", subresource });
      return (await authorizer().authorize({ user: username, groups }, asked)).allowed;
    },
  };
}
