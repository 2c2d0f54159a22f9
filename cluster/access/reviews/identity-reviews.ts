/** Who somebody is, asked as an object. Source: pkg/registry/authentication of Kubernetes 1.34. */
import { badRequest } from "../../../actors/kinds/errors.ts";
import type { SelfSubjectReview, TokenReview, UserInfo } from "../../../actors/kinds/generated/types.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { timestamp } from "../../../actors/registry/timestamps.ts";
import type { Access } from "../access.ts";
import { TokenRefused } from "../authentication/tokens.ts";
import type { Identity } from "../identity.ts";

const INVALID = "invalid bearer token";

/** Who the asker is, after all that says so. */
export function whoAmI(asker: Identity, now_ms: number): SelfSubjectReview {
  const metadata = { creationTimestamp: timestamp(now_ms) } as KubeObject["metadata"];
  return { metadata, status: { userInfo: userInfo(asker) } };
}

/** Whose a token is, for those whom it is for. */
export async function reviewToken(access: Access, review: TokenReview): Promise<TokenReview> {
  const { token = "", audiences = [] } = review.spec;
  if (token === "") throw badRequest("token is required for TokenReview in authentication");
  const wanted = audiences.length === 0 ? access.audiences : audiences;
  const refused = (error: string): TokenReview => ({ ...review, status: { user: {}, error } });
  try {
    const verified = await access.tokens.verify(token, wanted);
    if (verified === undefined) return refused(INVALID);
    // Tokens that are for nobody in particular are for the API.
    const known = verified.audiences ?? wanted.filter((one) => access.audiences.includes(one));
    if (known.length === 0) return refused(INVALID);
    return { ...review, status: { authenticated: true, user: userInfo(verified.identity), audiences: [...known] } };
  } catch (error) {
    if (error instanceof TokenRefused) return refused(error.message);
    throw error;
  }
}

function userInfo({ user, uid, groups, extra }: Identity): UserInfo {
  const told = extra === undefined ? {} : { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) };
  return { username: user, ...(uid === undefined ? {} : { uid }), ...(groups.length === 0 ? {} : { groups: [...groups] }), ...told };
}
