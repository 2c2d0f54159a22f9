/** Who may approve and sign certificates, and what none of them may hold. Source: plugin/pkg/admission/certificates of Kubernetes 1.34. */
import { forbidden } from "../../../actors/kinds/errors.ts";
import type { CertificateSigningRequest } from "../../../actors/kinds/generated/types.ts";
import { semanticEqual } from "../../../actors/kinds/machinery/equal.ts";
import type { AdmissionPlugin } from "../../../actors/registry/admission/admission.ts";
import { parseCertificateRequest } from "../../pki/certificate-request.ts";
import { onResource } from "../authorization/attributes.ts";
import type { Authorizer } from "../authorization/authorizer.ts";
import type { Identity } from "../identity.ts";
import { MASTERS } from "../identity.ts";
import type { Deciding } from "./deciding.ts";

const RESOURCE = "certificatesigningrequests.certificates.k8s.io";
const CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client";

/** Whether somebody may do it for a signer, or for all of its domain. Source: pkg/certauthorization. */
async function may(authorizer: Authorizer, asker: Identity, verb: "approve" | "sign", signer: string): Promise<boolean> {
  const of = (name: string) => onResource({ verb, group: "certificates.k8s.io", resource: "signers", name });
  for (const name of [signer, `${signer.split("/")[0]}/*`]) if ((await authorizer.authorize(asker, of(name))).allowed) return true;
  return false;
}

export function certificateRequests(access: () => Deciding): AdmissionPlugin {
  return {
    name: "CertificateRequests",
    busy: ({ requester }, resource) => requester !== undefined && resource === RESOURCE,
    async validate({ resource, subresource, operation, object, current, kind, name, options }) {
      const { requester } = options;
      if (resource !== RESOURCE || requester === undefined) return;
      if (operation === "create") return admitSubject(object as CertificateSigningRequest, kind);
      if (operation !== "update") return;
      const { authorizer } = access();
      const before = current as CertificateSigningRequest;
      const signer = before.spec.signerName;
      if (subresource === "approval" && !(await may(authorizer, requester, "approve", signer)))
        throw forbidden(kind, name, `user not permitted to approve requests with signerName ${JSON.stringify(signer)}`);
      if (subresource !== "status" || sameOutcome(object as CertificateSigningRequest, before)) return;
      if (!(await may(authorizer, requester, "sign", signer)))
        throw forbidden(kind, name, `user not permitted to sign requests with signerName ${JSON.stringify(signer)}`);
    },
  };
}

function sameOutcome({ status: a }: CertificateSigningRequest, { status: b }: CertificateSigningRequest): boolean {
  return (a?.certificate ?? "") === (b?.certificate ?? "") && semanticEqual(a?.conditions, b?.conditions);
}

/** No certificate makes its holder a super-user: it could not be taken back. */
async function admitSubject({ metadata, spec }: CertificateSigningRequest, kind: Parameters<typeof forbidden>[0]): Promise<void> {
  if (spec.signerName !== CLIENT_SIGNER) return;
  const parsed = await parseCertificateRequest(spec.request).catch((error: Error) => {
    throw forbidden(kind, metadata.name, `failed to parse CSR: ${error.message}`);
  });
  if (parsed.organizations.includes(MASTERS))
    throw forbidden(kind, metadata.name, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`);
}
