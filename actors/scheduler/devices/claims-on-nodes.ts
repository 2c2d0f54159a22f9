import type { ResourceResourceClaim as ResourceClaim } from "../../kinds/generated/types.ts";
import type { ClaimGrant } from "../../registry/registry.ts";
import type { Objects } from "../objects.ts";
import { allocate, SearchExhausted } from "./allocator.ts";
import type { DeviceBook } from "./device-book.ts";
import type { ReachingNode } from "./device-pools.ts";
import { meetsTerms } from "./node-terms.ts";

const NOT_AVAILABLE = "resourceclaim not available on the node";
const NOT_ALL = "cannot allocate all claims";
const TOO_LONG = "timed out trying to allocate devices";

/** What a node has to say of a pod's claims. */
export type ClaimsAnswer = { readonly grants: readonly ClaimGrant[] } | { readonly reason: string };

/** One pod's claims, while nodes are looked at. Source: PreFilter and Filter of the plugin DynamicResources. */
export class ClaimsOnNodes {
  readonly #book: DeviceBook;
  readonly #claims: readonly (readonly [key: string, claim: ResourceClaim])[];
  readonly #wanting: readonly ResourceClaim[];
  /** Claims that have something which at least one node cannot reach. */
  readonly unavailable: Set<string> = new Set();

  constructor(book: DeviceBook, view: Objects, keys: readonly string[]) {
    book.read();
    this.#book = book;
    this.#claims = keys.flatMap((key) => {
      const claim = view.get<ResourceClaim>(key);
      return claim === undefined ? [] : [[key, claim] as const];
    });
    this.#wanting = this.#claims.map(([, claim]) => claim).filter(({ status }) => status?.allocation === undefined);
  }

  /** Why no node will do, whichever it is. */
  refusal(): string | undefined {
    for (const [key, claim] of this.#claims) {
      if (claim.status?.allocation !== undefined) continue;
      const { namespace, name } = claim.metadata;
      if (this.#book.isPending(key)) return `resource claim ${namespace}/${name} is in the process of being allocated`;
      for (const { name: request, exactly, firstAvailable = [] } of claim.spec.devices?.requests ?? []) {
        const wanted =
          firstAvailable.length > 0 ? firstAvailable.map((one) => [`${request}/${one.name}`, one] as const) : [[request, exactly] as const];
        for (const [who, one] of wanted) {
          const { deviceClassName = "" } = one ?? {};
          if (this.#book.classOf(deviceClassName) === undefined) return `request ${who}: device class ${deviceClassName} does not exist`;
        }
      }
    }
    return undefined;
  }

  /** Throws AllocationError. */
  ask(node: ReachingNode): ClaimsAnswer {
    const away = this.#claims.filter(([, { status }]) => {
      const selector = status?.allocation?.nodeSelector;
      return selector !== undefined && !meetsTerms(selector, node.name, node.labels);
    });
    let allocations: ReturnType<typeof allocate> = [];
    try {
      if (this.#wanting.length > 0) allocations = allocate(this.#book, node, this.#wanting);
    } catch (error) {
      if (error instanceof SearchExhausted) return { reason: TOO_LONG };
      throw error;
    }
    if (allocations === undefined) return { reason: NOT_ALL };
    for (const [key] of away) this.unavailable.add(key);
    if (away.length > 0) return { reason: NOT_AVAILABLE };
    const given = allocations;
    return {
      grants: this.#claims.map(([key, claim]) => ({ key, uid: claim.metadata.uid, allocation: given[this.#wanting.indexOf(claim)] })),
    };
  }

  /** One of those that cannot be reached and that nobody else uses: without what it has it may get something where the pod can run. */
  toGiveBack(podUid: string): ResourceClaim | undefined {
    const found = this.#claims.find(([key, { status }]) => {
      const users = status?.reservedFor ?? [];
      return this.unavailable.has(key) && (users.length === 0 || (users.length === 1 && users[0]?.uid === podUid));
    });
    return found?.[1];
  }
}
