import { describe, expect, it } from "vitest";
import { readAuthenticationConfiguration } from "../../../cluster/access/authentication/jwt/configuration.ts";

const HEAD = { apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthenticationConfiguration" };
const ISSUER = { url: "https://issuer.example", audiences: ["a"] };
const MAPPINGS = { username: { claim: "sub", prefix: "" } };

function of(issuer: object = {}, more: object = {}): unknown {
  return { ...HEAD, jwt: [{ issuer: { ...ISSUER, ...issuer }, claimMappings: MAPPINGS, ...more }] };
}

describe("an AuthenticationConfiguration", () => {
  it("without issuers lets anonymous clients in", () => {
    expect(readAuthenticationConfiguration(HEAD)).toEqual({ jwt: [], anonymous: { enabled: true, paths: undefined } });
  });

  it.each([
    [{ ...HEAD, kind: "Authentication" }, "kind: must be one of AuthenticationConfiguration"],
    [{ ...HEAD, jwts: [] }, "jwts: unknown field"],
    [of({ url: undefined }), "jwt[0].issuer.url: must be set"],
    [of({ url: "http://x" }), 'jwt[0].issuer.url: must be a URL of https, not "http://x"'],
    [of({ url: "https://u:p@x" }), "jwt[0].issuer.url: must not contain a username, password, query or fragment"],
    [of({ discoveryURL: "https://issuer.example/" }), "jwt[0].issuer.discoveryURL: must be different from url"],
    [of({ audiences: [] }), "jwt[0].issuer.audiences: must name at least one audience"],
    [of({ audiences: ["a", "b"] }), "jwt[0].issuer.audienceMatchPolicy: must be MatchAny for several audiences"],
    [of({ egressSelectorType: "cluster" }), "jwt[0].issuer.egressSelectorType: is not spoken here"],
    [of({}, { claimMappings: {} }), "jwt[0].claimMappings.username: must be set"],
    [of({}, { claimMappings: { username: { claim: "sub" } } }), "jwt[0].claimMappings.username.prefix: must be set"],
    [
      of({}, { claimMappings: { username: { claim: "a", expression: "b" } } }),
      "jwt[0].claimMappings.username: must have claim and prefix, or expression",
    ],
    [of({}, { claimMappings: { username: { expression: "claims.(" } } }), "jwt[0].claimMappings.username.expression: compilation failed"],
    [of({}, { claimMappings: { username: { expression: "claims.email" } } }), "uses claims.email, so claims.email_verified must be used"],
    [
      of({}, { claimMappings: { ...MAPPINGS, extra: [{ key: "Team", valueExpression: "''" }] } }),
      "extra[0].key: must be a domain-prefixed path",
    ],
    [of({}, { claimValidationRules: [{ message: "m" }] }), "jwt[0].claimValidationRules[0]: must have exactly one of claim and expression"],
    [of({}, { userValidationRules: [{ message: "m" }] }), "jwt[0].userValidationRules[0].expression: must be set"],
    [
      {
        ...HEAD,
        jwt: [
          { issuer: ISSUER, claimMappings: MAPPINGS },
          { issuer: ISSUER, claimMappings: MAPPINGS },
        ],
      },
      "jwt[1].issuer.url: is the same as that of another",
    ],
    [
      { ...HEAD, anonymous: { enabled: false, conditions: [{ path: "/livez" }] } },
      "anonymous.conditions: must not be there when enabled is false",
    ],
  ])("that is wrong is refused, with the place: %j", (value, message) => {
    expect(() => readAuthenticationConfiguration(value)).toThrow(message);
  });
});
