import { CertificateSigningRequestKind } from "../../kinds/certificates/certificate-signing-request.ts";
import type { CertificateSigningRequest } from "../../kinds/generated/types.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { anyKind, modifyStatus } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import {
  type CertificateContent,
  type Certifier,
  CLIENT_SIGNER,
  conditionOfRequest,
  KUBELET_CLIENT_SIGNER,
  KUBELET_SERVING_SIGNER,
  REQUESTS,
  wrongWithClient,
  wrongWithKubeletClient,
  wrongWithKubeletServing,
} from "./certificates.ts";

/** Source: --cluster-signing-duration. */
const LIFE_S: number = 365 * 24 * 3_600;
/**
 * A certificate cannot be taken back. What a person approved is signed a moment later, in which a mistake can be mended by deleting the request. Times of
 * conditions are whole seconds, so it is one to two.
 */
const SECOND_THOUGHTS_MS = 2_000;

/** Signs what was approved, for the signers of the cluster itself. Source: pkg/controller/certificates/signer. */
export function certificateSigningController(certifier: Certifier): Controller {
  return {
    name: "certificate-signing",
    component: "csrsigning-controller",
    author: controllerAccount("certificate-controller"),
    kind: anyKind(CertificateSigningRequestKind),
    watches: [{ resource: REQUESTS, keys: ({ now }) => (now === undefined ? NO_KEYS : [now.key]) }],
    reconcile: (view, key, now_ms) => reconcile(certifier, view, key, now_ms),
  };
}

const SIGNERS: Readonly<Record<string, (content: CertificateContent, usages: readonly string[]) => string | undefined>> = {
  [CLIENT_SIGNER]: (_content, usages) => wrongWithClient(usages),
  [KUBELET_CLIENT_SIGNER]: wrongWithKubeletClient,
  [KUBELET_SERVING_SIGNER]: wrongWithKubeletServing,
};

function reconcile(certifier: Certifier, view: View, key: string, now_ms: number): readonly Action[] {
  const request = view.get<CertificateSigningRequest>(key);
  const wrongWith = request === undefined ? undefined : SIGNERS[request.spec.signerName];
  const approved = request === undefined ? undefined : conditionOfRequest(request, "Approved");
  if (request === undefined || wrongWith === undefined || approved?.status !== "True" || request.status?.certificate) return NOTHING;
  if (conditionOfRequest(request, "Denied") !== undefined || conditionOfRequest(request, "Failed") !== undefined) return NOTHING;
  const due_ms = approved.reason === "AutoApproved" ? now_ms : Date.parse(approved.lastUpdateTime ?? "") + SECOND_THOUGHTS_MS;
  if (due_ms > now_ms) return [{ do: "requeue", after_ms: due_ms - now_ms }];
  return [{ do: "work", work: () => signed(certifier, request, wrongWith) }];
}

async function signed(
  certifier: Certifier,
  request: CertificateSigningRequest,
  wrongWith: (content: CertificateContent, usages: readonly string[]) => string | undefined,
): Promise<readonly Action[]> {
  const { spec } = request;
  const usages = spec.usages ?? [];
  let wrong: string | undefined;
  try {
    wrong = wrongWith(await certifier.read(spec.request), usages);
  } catch (error) {
    wrong = `unable to parse csr ${JSON.stringify(request.metadata.name)}: ${(error as Error).message}`;
  }
  if (wrong !== undefined) {
    const failed = { type: "Failed", status: "True", reason: "SignerValidationFailure", message: wrong };
    return [
      modifyStatus(CertificateSigningRequestKind, request, (current) => ({
        ...current,
        status: { ...current.status, conditions: [...(current.status?.conditions ?? []), failed] },
      })),
    ];
  }
  const pem = await certifier.sign(spec.request, usages, Math.min(spec.expirationSeconds ?? LIFE_S, LIFE_S));
  const certificate = Buffer.from(pem).toString("base64");
  return [modifyStatus(CertificateSigningRequestKind, request, (current) => ({ ...current, status: { ...current.status, certificate } }))];
}
