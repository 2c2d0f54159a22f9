import { forbidden } from "../../actors/kinds/errors.ts";
import type { ClusterRoleBinding, Node } from "../../actors/kinds/generated/types.ts";
import { keyFor } from "../../actors/kinds/kind.ts";
import { ClusterRoleBindingKind } from "../../actors/kinds/rbac/cluster-role-binding.ts";
import { NodeKind } from "../../actors/mod.ts";
import type { Registry } from "../../actors/registry/registry.ts";
import { timestamp } from "../../actors/registry/timestamps.ts";
import type { View } from "../../actors/store/view.ts";
import { type Identity, nodeOf } from "../access/identity.ts";
import { memberHosts } from "../boot/layout.ts";
import { MEMBER_ROLE } from "../joining/objects.ts";
import type { Permissions } from "./claims.ts";
import type { NatsDoor } from "./credentials.ts";

/** A machine that wants to be part of the cluster, under the name of its Node. */
export interface MemberRequest {
  readonly node: string;
  readonly publicKey: string;
}

/** By what it reaches the cluster's hosts. */
export interface MemberCredentials {
  readonly kind: "MemberCredentials";
  readonly apiVersion: "troupe.dev/v1";
  readonly servers: readonly string[];
  readonly certificateAuthority?: string;
  readonly jwt: string;
  /** When it begins and ends. */
  readonly notBefore: string;
  readonly expirationTimestamp: string;
}

/** A machine whose Node is deleted is out after this, if it is not told before. */
const LIFE_S: number = 24 * 3_600;

export interface MembersContext {
  readonly view: View;
  readonly registry: Registry;
  readonly door: NatsDoor;
}

/**
 * Lets a machine be part of the cluster. With a token to join by it is let in once for each Node: it is bound to the right to renew what it gets, and that
 * binding goes with the Node. Throws 403.
 */
export async function issueMemberCredentials(
  { view, registry, door }: MembersContext,
  identity: Identity,
  { node, publicKey }: MemberRequest,
  now_ms: number,
): Promise<MemberCredentials> {
  const self = nodeOf(identity);
  if (self !== undefined && self !== node) throw forbidden(undefined, "", `node ${self} asks for the credentials of node ${node}`);
  if (self === undefined) await bind(view, registry, node);
  const now_s = Math.floor(now_ms / 1_000);
  const expires_s = now_s + LIFE_S;
  const user = { name: `system:node:${node}`, publicKey, expires_s, permissions: memberPermissions(node) };
  const jwt = door.accounts.certify("cluster", user);
  return {
    kind: "MemberCredentials",
    apiVersion: "troupe.dev/v1",
    servers: door.servers,
    ...(door.ca === undefined ? {} : { certificateAuthority: door.ca }),
    jwt,
    notBefore: timestamp(now_s * 1_000),
    expirationTimestamp: timestamp(expires_s * 1_000),
  };
}

async function bind(view: View, registry: Registry, name: string): Promise<void> {
  const node = view.get<Node>(keyFor(NodeKind, undefined, name));
  if (node === undefined) throw forbidden(undefined, "", `there is no node ${name}, which has to be made with its own certificate first`);
  const binding: ClusterRoleBinding = {
    metadata: {
      name: `${MEMBER_ROLE}:${name}`,
      uid: "",
      creationTimestamp: "",
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid: node.metadata.uid }],
    },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: MEMBER_ROLE },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: `system:node:${name}` }],
  };
  const existing = view.entry(keyFor(ClusterRoleBindingKind, undefined, binding.metadata.name));
  if (existing !== undefined)
    throw forbidden(undefined, "", `the node ${name} is a member already; kubectl delete node ${name} makes room for another of its name`);
  await registry.create(ClusterRoleBindingKind, binding, { fieldManager: "troupe" });
}

/** JetStream's interface, as far as it reads. */
const READING = [
  "$JS.API.INFO",
  "$JS.API.STREAM.NAMES",
  "$JS.API.STREAM.LIST",
  "$JS.API.STREAM.INFO.*",
  "$JS.API.STREAM.MSG.GET.*",
  "$JS.API.DIRECT.GET.>",
  "$JS.API.CONSUMER.CREATE.>",
  "$JS.API.CONSUMER.INFO.>",
  "$JS.API.CONSUMER.DELETE.>",
  "$JS.FC.>",
];

/** What hosts that play nodes need: they read the log and never write it, and no other host's messages come to them. */
export function memberPermissions(node: string): Permissions {
  const hosts = memberHosts(node);
  return {
    publish: ["troupe.host.*", "$KV.troupe-members.>", ...READING],
    subscribe: ["_INBOX.>", ...hosts.flatMap((host) => [`troupe.host.${host}`, `troupe.lost.${host}.*`])],
  };
}
