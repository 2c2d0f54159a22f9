import { createPrivateKey } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answered, type Json, newSigningKey, startGateway, type TestGateway } from "../gateway/harness.ts";

const SESSION = "/troupe/console-session";
const WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const consoleKey = newSigningKey();
const signingKey = newSigningKey();

let server: TestGateway;
beforeAll(async () => {
  server = await startGateway({ access: { consoleKey, signingKey } });
});
afterAll(() => server.stop());

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** Whom the API takes the holder of a token for; the code of the refusal for nobody. */
async function whoIs(token: string): Promise<Json> {
  const answer = await server.client(undefined)("POST", WHOAMI, {}, bearer(token));
  return answer.status === 201 ? answer.json().status.userInfo : answer.status;
}

async function jane(lasting_ms = 3_600_000): Promise<(path: string, body: unknown, headers?: Record<string, string>) => Promise<Answered>> {
  const pair = await server.authority.client("jane", ["dev"], {
    from: new Date(Date.now() - 1_000),
    to: new Date(Date.now() + lasting_ms),
  });
  const call = server.client(pair);
  return (path, body, headers) => call("POST", path, body, headers);
}

describe("a session of the console", () => {
  test("is the user of the certificate, with the same groups and no more", async () => {
    const answer = await (await jane())(SESSION, { expirationSeconds: 600 });
    expect(answer.status).toBe(201);
    const { token, user, expirationTimestamp } = answer.json();
    expect(user).toBe("jane");
    expect(await whoIs(token)).toMatchObject({ username: "jane", groups: ["dev", "system:authenticated"] });
    expect(Date.parse(expirationTimestamp) - Date.now()).toBeLessThanOrEqual(600_000);
    // What jane may not do, her session may not.
    expect((await server.client(undefined)("GET", "/api/v1/nodes", undefined, bearer(token))).status).toBe(403);
  });

  test("of an administrator may what the administrator may", async () => {
    const { token } = (await server.call("POST", SESSION, {})).json();
    expect((await server.client(undefined)("GET", "/api/v1/nodes", undefined, bearer(token))).status).toBe(200);
  });

  test("ends with the certificate at the latest", async () => {
    const { expirationTimestamp } = (await (await jane(90_000))(SESSION, { expirationSeconds: 3_600 })).json();
    expect(Date.parse(expirationTimestamp) - Date.now()).toBeLessThanOrEqual(90_000);
  });

  test("is given to nobody without a certificate: not for itself, not for a service account's token, not to strangers", async () => {
    const { token } = (await (await jane())(SESSION, {})).json();
    const account = (
      await server.call("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: {},
      })
    ).json().status.token;
    const nobody = server.client(undefined);
    for (const headers of [bearer(token), bearer(account), {}])
      expect((await nobody("POST", SESSION, {}, headers)).json()).toMatchObject({ code: 403, reason: "Forbidden" });
  });

  test("is not given for whom somebody acts as", async () => {
    expect((await server.call("POST", SESSION, {}, { "impersonate-user": "root" })).status).toBe(403);
  });

  test("wants a body that no other site's page can send", async () => {
    expect((await (await jane())(SESSION, "{}", { "content-type": "text/plain" })).status).toBe(415);
    for (const expirationSeconds of [0, 59, 43_201, 1.5, "600", null])
      expect((await (await jane())(SESSION, { expirationSeconds })).status, String(expirationSeconds)).toBe(
        expirationSeconds === null ? 201 : 400,
      );
    expect((await server.call("GET", SESSION)).status).toBe(405);
  });
});

describe("what looks like one", () => {
  const now_s = Math.floor(Date.now() / 1_000);
  const claims = {
    iss: "troupe:console",
    aud: "troupe:console",
    sub: "root",
    groups: ["system:masters"],
    iat: now_s,
    exp: now_s + 600,
    jti: "x",
  };
  const signed = (more: object, key = consoleKey, header: object = {}): Promise<string> =>
    new SignJWT({ ...claims, ...more })
      .setProtectedHeader({ alg: "ES256", typ: "troupe-console+jwt", ...header })
      .sign(createPrivateKey(key));

  test("is one when all of it is right", async () => {
    expect(await whoIs(await signed({}))).toMatchObject({ username: "root" });
  });

  test.each<[string, () => Promise<string>]>([
    ["is of the key of service accounts", () => signed({}, signingKey)],
    ["is of another key", () => signed({}, newSigningKey())],
    ["has ended", () => signed({ exp: now_s - 1 })],
    ["has no end", () => signed({ exp: undefined })],
    ["is for somebody else", () => signed({ aud: "https://k" })],
    ["says to be something else", () => signed({}, consoleKey, { typ: "JWT" })],
    ["names nobody", () => signed({ sub: undefined })],
    ["is of our key and another issuer", () => signed({ iss: "https://k", aud: "https://k" })],
    [
      "is not signed",
      async () =>
        `${Buffer.from('{"alg":"none","typ":"troupe-console+jwt"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.`,
    ],
    [
      "is signed with the public key as a secret",
      () => new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "troupe-console+jwt" }).sign(Buffer.from(consoleKey)),
    ],
  ])("is none when it %s", async (_what, make) => {
    expect(await whoIs(await make())).toBe(401);
  });
});
