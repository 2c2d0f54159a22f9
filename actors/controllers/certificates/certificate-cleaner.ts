import { CertificateSigningRequestKind } from "../../kinds/certificates/certificate-signing-request.ts";
import type { CertificateSigningRequest } from "../../kinds/generated/types.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { anyKind, remove } from "../actions.ts";
import { type Action, type Controller, NOTHING } from "../controller.ts";
import { conditionOfRequest, REQUESTS } from "./certificates.ts";

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
  if (request === undefined) return NOTHING;
  const decided = ["Approved", "Denied", "Failed"].map((type) => conditionOfRequest(request, type)).find((found) => found !== undefined);
  const since = decided === undefined ? request.metadata.creationTimestamp : decided.lastUpdateTime;
  const kept_ms = decided === undefined ? PENDING_MS : DECIDED_MS;
  return Date.parse(since ?? "") + kept_ms < now_ms ? [remove(CertificateSigningRequestKind, request)] : NOTHING;
}
