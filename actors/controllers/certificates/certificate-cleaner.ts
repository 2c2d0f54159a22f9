import { X509Certificate } from "node:crypto";
import { CertificateSigningRequestKind } from "../../kinds/certificates/certificate-signing-request.ts";
import type { CertificateSigningRequest } from "../../kinds/generated/types.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { anyKind, remove } from "../actions.ts";
import { type Action, type Controller, NOTHING } from "../controller.ts";
import { REQUESTS } from "./certificates.ts";

const HOUR_MS = 3_600_000;
/** How long a request is kept: decided, issued, or not looked at. Source: pkg/controller/certificates/cleaner. */
const DECIDED_MS: number = HOUR_MS;
const PENDING_MS: number = 24 * HOUR_MS;
const LOOK_PERIOD_MS: number = HOUR_MS / 60;

/** Requests are for once; what has become of them is in whoever asked. */
export const certificateCleaner: Controller = {
  name: "certificate-cleaner",
  component: "csrcleaner-controller",
  author: controllerAccount("certificate-controller"),
  kind: anyKind(CertificateSigningRequestKind),
  watches: [],
  resync: { period_ms: LOOK_PERIOD_MS, keys: (view) => view.list(REQUESTS).map(({ key }) => key) },
  reconcile,
};

function reconcile(view: View, key: string, now_ms: number): readonly Action[] {
  const request = view.get<CertificateSigningRequest>(key);
  return request !== undefined && isOver(request, now_ms) ? [remove(CertificateSigningRequestKind, request)] : NOTHING;
}

/** One that was approved, but not issued yet, is kept. */
function isOver({ metadata, status = {} }: CertificateSigningRequest, now_ms: number): boolean {
  const { conditions = [], certificate } = status;
  if (conditions.length === 0) return isOlder(metadata.creationTimestamp, PENDING_MS, now_ms);
  return conditions.some(({ type, lastUpdateTime }) => {
    const isOld = isOlder(lastUpdateTime, DECIDED_MS, now_ms);
    if (type !== "Approved") return isOld && (type === "Denied" || type === "Failed");
    return Boolean(certificate) && (isOld || isExpired(certificate ?? "", now_ms));
  });
}

function isOlder(time: string | undefined, kept_ms: number, now_ms: number): boolean {
  return time !== undefined && Date.parse(time) + kept_ms < now_ms;
}

/** What cannot be read expires never. */
function isExpired(certificate: string, now_ms: number): boolean {
  try {
    return Date.parse(new X509Certificate(Buffer.from(certificate, "base64")).validTo) < now_ms;
  } catch {
    return false;
  }
}
