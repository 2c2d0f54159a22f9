import { CertificateSigningRequestKind } from "../../kinds/certificates/certificate-signing-request.ts";
import type { CertificateSigningRequest } from "../../kinds/generated/types.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { anyKind, modifyApproval } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { type Certifier, conditionOfRequest, KUBELET_CLIENT_SIGNER, REQUESTS, wrongWithKubeletClient } from "./certificates.ts";

/** Approves the client certificates of kubelets whose requesters may have them. Source: pkg/controller/certificates/approver. */
export function certificateApprovalController(certifier: Certifier): Controller {
  return {
    name: "certificate-approval",
    component: "csrapproving-controller",
    author: controllerAccount("certificate-controller"),
    kind: anyKind(CertificateSigningRequestKind),
    watches: [{ resource: REQUESTS, keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) }],
    reconcile: (view, key) => reconcile(certifier, view, key),
  };
}

function reconcile(certifier: Certifier, view: View, key: string): readonly Action[] {
  const request = view.get<CertificateSigningRequest>(key);
  if (request === undefined || request.spec.signerName !== KUBELET_CLIENT_SIGNER || isDecided(request)) return NOTHING;
  return [{ do: "work", work: () => decide(certifier, request) }];
}

function isDecided(request: CertificateSigningRequest): boolean {
  return Boolean(request.status?.certificate) || ["Approved", "Denied"].some((type) => conditionOfRequest(request, type) !== undefined);
}

async function decide(certifier: Certifier, request: CertificateSigningRequest): Promise<readonly Action[]> {
  const content = await certifier.read(request.spec.request).catch(() => undefined);
  if (content === undefined || wrongWithKubeletClient(content, request.spec.usages ?? []) !== undefined) return NOTHING;
  const own = request.spec.username === content.commonName && (await certifier.mayHave(request, "selfnodeclient"));
  if (!own && !(await certifier.mayHave(request, "nodeclient"))) return NOTHING;
  const message = `Auto approving ${own ? "self " : ""}kubelet client certificate after SubjectAccessReview.`;
  const approved = { type: "Approved", status: "True", reason: "AutoApproved", message };
  const approve = (current: CertificateSigningRequest): CertificateSigningRequest | undefined =>
    isDecided(current)
      ? undefined
      : { ...current, status: { ...current.status, conditions: [...(current.status?.conditions ?? []), approved] } };
  return [modifyApproval(CertificateSigningRequestKind, request, approve)];
}
