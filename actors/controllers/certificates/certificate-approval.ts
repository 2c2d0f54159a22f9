import { CertificateSigningRequestKind } from "../../kinds/certificates/certificate-signing-request.ts";
import type { CertificateSigningRequest } from "../../kinds/generated/types.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { anyKind, modifyApproval } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import {
  type Certifier,
  conditionOfRequest,
  KUBELET_CLIENT_SIGNER,
  KUBELET_SERVING_SIGNER,
  nodeServerName,
  REQUESTS,
  wrongWithKubeletClient,
  wrongWithKubeletServing,
} from "./certificates.ts";

const NODE_PREFIX = "system:node:";

/** Approves the certificates of kubelets whose requesters may have them: those of clients, and those to serve with that machines that have joined ask for. Source: pkg/controller/certificates/approver. */
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
  if (request === undefined || isDecided(request)) return NOTHING;
  switch (request.spec.signerName) {
    case KUBELET_CLIENT_SIGNER:
      return [{ do: "work", work: () => decideClient(certifier, request) }];
    case KUBELET_SERVING_SIGNER:
      return [{ do: "work", work: () => decideServing(certifier, request) }];
    default:
      return NOTHING;
  }
}

function isDecided(request: CertificateSigningRequest): boolean {
  return Boolean(request.status?.certificate) || ["Approved", "Denied"].some((type) => conditionOfRequest(request, type) !== undefined);
}

async function decideClient(certifier: Certifier, request: CertificateSigningRequest): Promise<readonly Action[]> {
  const content = await certifier.read(request.spec.request).catch(() => undefined);
  if (content === undefined || wrongWithKubeletClient(content, request.spec.usages ?? []) !== undefined) return NOTHING;
  const own = request.spec.username === content.commonName && (await certifier.mayHave(request, "selfnodeclient"));
  if (!own && !(await certifier.mayHave(request, "nodeclient"))) return NOTHING;
  return approve(request, `Auto approving ${own ? "self " : ""}kubelet client certificate after SubjectAccessReview.`);
}

/** Only for the name that is no host's: whether a node has the addresses that it says only people know. */
async function decideServing(certifier: Certifier, request: CertificateSigningRequest): Promise<readonly Action[]> {
  const { username = "", usages = [] } = request.spec;
  const content = await certifier.read(request.spec.request).catch(() => undefined);
  if (content === undefined || wrongWithKubeletServing(content, usages) !== undefined || content.commonName !== username) return NOTHING;
  const { dnsNames, ipAddresses } = content;
  const isOwnName = ipAddresses.length === 0 && dnsNames.length === 1 && dnsNames[0] === nodeServerName(username.slice(NODE_PREFIX.length));
  if (!isOwnName || !(await certifier.mayHave(request, "selfnodeserver"))) return NOTHING;
  return approve(request, "Auto approving self kubelet serving certificate after SubjectAccessReview.");
}

function approve(request: CertificateSigningRequest, message: string): readonly Action[] {
  const approved = { type: "Approved", status: "True", reason: "AutoApproved", message };
  const change = (current: CertificateSigningRequest): CertificateSigningRequest | undefined =>
    isDecided(current)
      ? undefined
      : { ...current, status: { ...current.status, conditions: [...(current.status?.conditions ?? []), approved] } };
  return [modifyApproval(CertificateSigningRequestKind, request, change)];
}
