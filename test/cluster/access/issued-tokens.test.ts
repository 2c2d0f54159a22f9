import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { exportJWK, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ANYBODY } from "../../../cluster/access/authentication/anonymous.ts";
import type { AuthenticationConfiguration, JwtConfiguration } from "../../../cluster/access/authentication/jwt/configuration.ts";
import { readAuthenticationConfiguration } from "../../../cluster/access/authentication/jwt/configuration.ts";
import type { Call, Json, TestGateway } from "../gateway/harness.ts";
import { startGateway } from "../gateway/harness.ts";
import { type OutsideServer, startOutsideServer } from "./outside-server.ts";

const WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

let issuer: OutsideServer;
const servers: TestGateway[] = [];

beforeAll(async () => {
  issuer = await startOutsideServer();
  issuer.on("/.well-known/openid-configuration", () => ({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }));
  const key = { ...(await exportJWK(publicKey)), kid: "one", alg: "RS256", use: "sig" };
  issuer.on("/keys", () => ({ keys: [key] }));
});
afterAll(async () => {
  for (const server of servers) await server.stop();
  await issuer.stop();
});

interface Said {
  readonly key?: KeyObject;
  readonly kid?: string;
  readonly alg?: string;
  readonly claims?: object;
}

function token({ key = privateKey, kid = "one", alg = "RS256", claims = {} }: Said = {}): Promise<string> {
  const now_s = Math.floor(Date.now() / 1_000);
  const own = { iss: issuer.url, aud: "troupe", sub: "jane", iat: now_s, exp: now_s + 600, groups: ["devs", "ops"] };
  return new SignJWT({ ...own, ...claims }).setProtectedHeader({ alg, kid }).sign(key);
}

/** A gateway that believes the issuer as the configuration says; gives whom it takes a token's holder for, or the code of the refusal. */
async function believing(more: object = {}): Promise<(token: string) => Promise<Json>> {
  const jwt = {
    issuer: { url: issuer.url, certificateAuthority: issuer.authority, audiences: ["troupe"] },
    claimMappings: { username: { claim: "sub", prefix: "oidc:" }, groups: { claim: "groups", prefix: "oidc:" } },
    ...more,
  };
  const authentication = readAuthenticationConfiguration({
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "AuthenticationConfiguration",
    jwt: [jwt],
  });
  return askWith(authentication);
}

async function askWith(authentication: AuthenticationConfiguration): Promise<(token: string) => Promise<Json>> {
  const server = await startGateway({ access: { authentication } });
  servers.push(server);
  const stranger: Call = server.client(undefined);
  return async (bearer) => {
    const answer = await stranger("POST", WHOAMI, {}, { authorization: `Bearer ${bearer}` });
    return answer.status === 201 ? answer.json().status.userInfo : answer.status;
  };
}

describe("an ID token", () => {
  let who: (token: string) => Promise<Json>;
  beforeAll(async () => {
    who = await believing();
  });

  test("lets its holder in, under the issuer's prefix", async () => {
    expect(await who(await token({ claims: { jti: "t1" } }))).toEqual({
      username: "oidc:jane",
      groups: ["oidc:devs", "oidc:ops", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": ["JTI=t1"] },
    });
  });

  const past_s = Math.floor(Date.now() / 1_000) - 60;
  test.each<[string, () => Promise<string>]>([
    ["that has ended", () => token({ claims: { exp: past_s } })],
    ["without an end", () => token({ claims: { exp: undefined } })],
    ["that begins tomorrow", () => token({ claims: { nbf: past_s + 90_000 } })],
    ["for others", () => token({ claims: { aud: "others" } })],
    ["of another issuer", () => token({ claims: { iss: `${issuer.url}/other` } })],
    ["without a name", () => token({ claims: { sub: undefined } })],
    ["with a name that is no text", () => token({ claims: { sub: 1 } })],
    ["with groups that are no texts", () => token({ claims: { groups: [1] } })],
    ["of another key of that name", () => token({ key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey })],
    [
      "of a key that the issuer does not have",
      () => token({ kid: "two", key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey }),
    ],
  ])("%s is refused", async (_what, made) => {
    expect(await who(await made())).toBe(401);
  });

  test("does not make its issuer be asked for each key that does not exist", async () => {
    const before = issuer.asked.length;
    for (let i = 0; i < 5; i++) expect(await who(await token({ kid: `none-${i}` }))).toBe(401);
    expect(issuer.asked.length - before).toBeLessThanOrEqual(2);
  });
});

describe("claims are mapped and held to", () => {
  test("by expressions", async () => {
    const who = await believing({
      claimMappings: {
        username: { expression: 'claims.email.split("@")[0] + (claims.email_verified ? "" : "?")' },
        groups: { expression: 'claims.groups.filter(g, g != "ops")' },
        uid: { claim: "sub" },
        extra: [{ key: "example.org/level", valueExpression: "string(claims.level)" }],
      },
      claimValidationRules: [
        { claim: "hd", requiredValue: "example.org" },
        { expression: "claims.level > 2", message: "the level is too low" },
      ],
      userValidationRules: [{ expression: '!user.username.startsWith("system:")', message: "system names are not for people" }],
    });
    const claims = { email: "jane@example.org", email_verified: true, hd: "example.org", level: 3 };
    expect(await who(await token({ claims }))).toEqual({
      username: "jane",
      uid: "jane",
      groups: ["devs", "system:authenticated"],
      extra: { "example.org/level": ["3"] },
    });
    expect(await who(await token({ claims: { ...claims, level: 2 } }))).toBe(401);
    expect(await who(await token({ claims: { ...claims, hd: "else.org" } }))).toBe(401);
    expect(await who(await token({ claims: { ...claims, hd: undefined } }))).toBe(401);
    expect(await who(await token({ claims: { ...claims, email: "system:admin@example.org" } }))).toBe(401);
    expect(await who(await token({ claims: { ...claims, email: undefined } }))).toBe(401);
  });

  test("an address that is not verified names nobody", async () => {
    const who = await believing({ claimMappings: { username: { claim: "email", prefix: "" } } });
    expect(await who(await token({ claims: { email: "a@b.c", email_verified: false } }))).toBe(401);
    expect(await who(await token({ claims: { email: "a@b.c", email_verified: true } }))).toMatchObject({ username: "a@b.c" });
  });
});

test("an issuer that is away is no reason to refuse other tokens, and is asked again later", async () => {
  const away: JwtConfiguration = {
    ...(readAuthenticationConfiguration({
      apiVersion: "apiserver.config.k8s.io/v1",
      kind: "AuthenticationConfiguration",
      jwt: [
        {
          issuer: { url: `${issuer.url}/away`, certificateAuthority: issuer.authority, audiences: ["troupe"] },
          claimMappings: { username: { claim: "sub", prefix: "" } },
        },
      ],
    }).jwt[0] as JwtConfiguration),
  };
  const who = await askWith({ jwt: [away], anonymous: ANYBODY });
  expect(await who(await token({ claims: { iss: `${issuer.url}/away` } }))).toBe(401);
});

test("anonymous access can be left to some paths", async () => {
  const anonymous = { enabled: true, paths: ["/livez"] };
  const server = await startGateway({ access: { authentication: { jwt: [], anonymous } } });
  servers.push(server);
  const stranger = server.client(undefined);
  expect((await stranger("GET", "/livez?verbose")).status).toBe(200);
  expect((await stranger("GET", "/readyz")).status).toBe(401);
  expect((await server.call("GET", "/readyz")).status).toBe(200);
});
