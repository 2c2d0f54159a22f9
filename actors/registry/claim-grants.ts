/** Claims on devices get what they are given, and pods to use them, in the transaction that binds the pod. Source: bindClaim of the plugin DynamicResources. */
import { conflict } from "../kinds/errors.ts";
import type { ResourceResourceClaim as ResourceClaim } from "../kinds/generated/types.ts";
import { partsOf } from "../kinds/kind.ts";
import type { ObjectMeta } from "../kinds/object.ts";
import { CONSUMERS_MAX, DELETE_PROTECTION } from "../kinds/resource/allocation.ts";
import type { Mutation } from "../store/transaction.ts";
import type { ClaimGrant } from "./registry.ts";
import { replacing } from "./replacing.ts";
import type { StoreAccess } from "./store-access.ts";

const CLAIM = { group: "resource.k8s.io", plural: "resourceclaims" } as const;

/** What is written for the grants to this pod. Throws 409 for a claim that is not what it was. */
export async function grantsTo(pod: ObjectMeta, grants: readonly ClaimGrant[], access: StoreAccess): Promise<Mutation[]> {
  const mutations: Mutation[] = [];
  for (const { key, uid, allocation } of grants) {
    const entry = await access.find(key);
    const { name } = partsOf(key);
    const claim = entry === undefined ? undefined : access.read<ResourceClaim>(entry);
    const who = `claim ${pod.namespace}/${name}`;
    if (entry === undefined || claim?.metadata.uid !== uid || claim.metadata.deletionTimestamp !== undefined) {
      throw conflict(CLAIM, name, `${who} got deleted in the meantime`);
    }
    const { allocation: has, reservedFor = [] } = claim.status ?? {};
    if (allocation !== undefined && has !== undefined) throw conflict(CLAIM, name, `${who} got allocated elsewhere in the meantime`);
    const gets = allocation ?? has;
    if (gets === undefined) throw conflict(CLAIM, name, `${who} got deallocated in the meantime`);
    const isUser = reservedFor.some((user) => user.uid === pod.uid);
    if (isUser && allocation === undefined) continue;
    if (!isUser && reservedFor.length >= CONSUMERS_MAX)
      throw conflict(CLAIM, name, `add reservation to ${who}: it is used by ${CONSUMERS_MAX}`);
    const users = isUser ? reservedFor : [...reservedFor, { resource: "pods", name: pod.name, uid: pod.uid }];
    const { finalizers = [] } = claim.metadata;
    const kept = allocation === undefined || finalizers.includes(DELETE_PROTECTION) ? finalizers : [...finalizers, DELETE_PROTECTION];
    const next: ResourceClaim = {
      ...claim,
      metadata: kept.length === 0 ? claim.metadata : { ...claim.metadata, finalizers: kept },
      status: { ...claim.status, allocation: gets, reservedFor: users },
    };
    mutations.push(replacing(entry, next));
  }
  return mutations;
}
