/** Questions that are asked by creating them: the answers come back in their status, and nothing is stored. */
import { badRequest, methodNotAllowed } from "../../actors/kinds/errors.ts";
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  TokenRequest,
  TokenReview,
} from "../../actors/kinds/generated/types.ts";
import type { Kind } from "../../actors/kinds/kind.ts";
import { apiVersionOf } from "../../actors/kinds/kind.ts";
import type { BodyKind } from "../../actors/kinds/machinery/body.ts";
import type { KubeObject } from "../../actors/kinds/object.ts";
import { fieldWrite, ownedByCreate } from "../../actors/registry/field-ownership.ts";
import { reviewRules, reviewSelf, reviewSubject, reviewSubjectIn } from "../access/reviews/access-reviews.ts";
import { reviewToken, whoAmI } from "../access/reviews/identity-reviews.ts";
import { requestToken } from "../access/reviews/token-request.ts";
import type { Answer } from "./answer.ts";
import type { GatewayContext } from "./context.ts";
import { untilNewest } from "./context.ts";
import type { DiscoveredResource } from "./discovered-resource.ts";
import type { Content } from "./object-body.ts";
import { readObject } from "./object-body.ts";
import type { ResourceRequest } from "./route.ts";
import type { CheckedOptions } from "./write-options.ts";
import { writeOptions } from "./write-options.ts";
import { NAMESPACE_MISMATCH } from "./writes.ts";

const TOKEN_REQUEST: BodyKind = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenRequest",
  schema: "io.k8s.api.authentication.v1.TokenRequest",
};

/** `POST` of a review. */
export async function review(
  context: GatewayContext,
  info: ResourceRequest,
  resource: DiscoveredResource,
  content: Content,
): Promise<Answer> {
  const { access, clock } = context;
  const { requester } = content;
  const kind: BodyKind = {
    group: resource.group,
    version: resource.version,
    kind: resource.kind,
    schema: `io.k8s.api.${resource.group.split(".")[0]}.${resource.version}.${resource.kind}`,
  };
  const options = writeOptions(info.query, content, "CreateOptions");
  const object = readObject(kind, content, options, context.kinds);
  const asked = managed(kind, placed(info, object), options, clock.now_ms());
  const value = (answer: KubeObject): Answer => {
    const typed = { kind: kind.kind, apiVersion: apiVersionOf(resource), ...answer };
    return { type: "value", code: 201, value: typed };
  };
  switch (resource.kind) {
    case "SelfSubjectReview":
      return value(whoAmI(requester, clock.now_ms()));
    case "TokenReview":
      return value(await reviewToken(access, asked as TokenReview));
    case "SelfSubjectAccessReview":
      return value(await reviewSelf(access, requester, asked as SelfSubjectAccessReview));
    case "SelfSubjectRulesReview":
      return value(await reviewRules(access, requester, asked as SelfSubjectRulesReview));
    case "SubjectAccessReview":
      return value(await reviewSubject(access, asked as SubjectAccessReview));
    case "LocalSubjectAccessReview":
      return value(await reviewSubjectIn(access, asked as LocalSubjectAccessReview));
    default:
      throw methodNotAllowed();
  }
}

/** `POST` of a request for a token of a service account. */
export async function token(context: GatewayContext, info: ResourceRequest, accounts: Kind, content: Content): Promise<Answer> {
  const { access, view, clock } = context;
  const options = writeOptions(info.query, content, "CreateOptions");
  const object = readObject<TokenRequest>(TOKEN_REQUEST, content, options, context.kinds);
  await untilNewest(context);
  const { namespace, name } = info;
  const { status: _nobodys, ...sent } = object;
  const asked = managed(TOKEN_REQUEST, sent, options, clock.now_ms(), "token");
  const answer = await requestToken(access, view, accounts, namespace, name, content.requester, asked, clock.now_ms());
  return { type: "value", code: 201, value: { kind: TOKEN_REQUEST.kind, apiVersion: apiVersionOf(TOKEN_REQUEST), ...answer } };
}

/** A review is of the namespace that the URL names. */
function placed(info: ResourceRequest, object: KubeObject): KubeObject {
  const metadata = (object.metadata ?? {}) as KubeObject["metadata"];
  if (info.namespace === "" || metadata.namespace === info.namespace) return { ...object, metadata };
  if (metadata.namespace) throw badRequest(NAMESPACE_MISMATCH);
  return { ...object, metadata: { ...metadata, namespace: info.namespace } };
}

/** With the managers that an object of the store would have: clients that look for themselves there find themselves. */
function managed<T extends KubeObject>(kind: BodyKind, object: T, options: CheckedOptions, now_ms: number, door?: string): T {
  const { managedFields: _sent, ...metadata } = (object.metadata ?? {}) as KubeObject["metadata"];
  const bare = { ...object, metadata: metadata as KubeObject["metadata"] };
  const json = ownedByCreate(fieldWrite({ ...kind, subresources: [] } as unknown as Kind<never>, options, door, now_ms), bare);
  if (json === undefined) return bare;
  return { ...bare, metadata: { ...bare.metadata, managedFields: JSON.parse(json) as unknown[] } };
}
