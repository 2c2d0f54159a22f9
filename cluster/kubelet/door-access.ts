import type { SubjectAccessReview } from "../../actors/kinds/generated/types.ts";
import type { Clock } from "../../runtime/mod.ts";
import type { Identity } from "../access/identity.ts";
import type { ApiClient } from "./api-client.ts";

const REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
/** Source: kubelet's --authorization-webhook-cache-authorized-ttl and -unauthorized-ttl. */
const ALLOWED_MS = 300_000;
const DENIED_MS = 30_000;
const REMEMBERED_MAX = 256;

/** What somebody wants of a node: a verb on one of its subresources. */
export interface NodeAttributes {
  readonly verb: string;
  readonly subresource: "proxy" | "stats";
}

/** Who may use the door of a node: the API decides, and for a while its word stands. Source: kubelet's pkg/kubelet/server/auth.go. */
export class DoorAccess {
  readonly #client: Pick<ApiClient, "call">;
  readonly #clock: Clock;
  readonly #node: string;
  readonly #remembered = new Map<string, { readonly allowed: boolean; readonly until_ms: number }>();

  constructor(client: Pick<ApiClient, "call">, clock: Clock, node: string) {
    this.#client = client;
    this.#clock = clock;
    this.#node = node;
  }

  /** Throws what the API throws: who cannot be asked about may not. */
  async mayUse({ user, groups, uid }: Identity, { verb, subresource }: NodeAttributes): Promise<boolean> {
    const key = JSON.stringify([user, groups, uid, verb, subresource]);
    const now_ms = this.#clock.monotonic_ms();
    const before = this.#remembered.get(key);
    if (before !== undefined && now_ms < before.until_ms) return before.allowed;
    const resourceAttributes = { verb, group: "", version: "v1", resource: "nodes", subresource, name: this.#node };
    const spec = { user, groups, ...(uid === undefined ? {} : { uid }), resourceAttributes };
    const { status } = await this.#client.call<
      SubjectAccessReview & { readonly metadata: { name: string; uid: string; creationTimestamp: string } }
    >("POST", REVIEWS, { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec });
    const allowed = status?.allowed === true;
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear();
    this.#remembered.set(key, { allowed, until_ms: now_ms + (allowed ? ALLOWED_MS : DENIED_MS) });
    return allowed;
  }
}
