import { CelFailure, type CelProgram, celProgram } from "../../../../actors/kinds/cel/cel.ts";
import type { Identity } from "../../identity.ts";
import { AUTHENTICATED } from "../../identity.ts";
import { TokenRefused } from "../tokens.ts";
import type { JwtConfiguration, Mapped, Rule } from "./configuration.ts";

/** What a token says, already checked for who says it, for whom and when. */
export type Claims = Readonly<Record<string, unknown>>;

const CREDENTIAL_ID = "authentication.kubernetes.io/credential-id";

/** Makes an identity of claims, as one issuer's configuration wants it. Source: apiserver's plugin/pkg/authenticator/token/oidc. */
export class ClaimMapping {
  readonly #configuration: JwtConfiguration;
  readonly #programs = new Map<string, CelProgram>();

  constructor(configuration: JwtConfiguration) {
    this.#configuration = configuration;
  }

  /** Throws TokenRefused. */
  identityOf(claims: Claims): Identity {
    const { requiredClaims, claimRules, userRules, username, groups, uid, extra } = this.#configuration;
    for (const [claim, wanted] of Object.entries(requiredClaims)) {
      const said = claims[claim];
      if (said === undefined) throw new TokenRefused(`oidc: required claim ${claim} not present in ID token`);
      if (said !== wanted) throw new TokenRefused(`oidc: required claim ${claim} value does not match`);
    }
    this.#hold(claimRules, { claims: celOf(claims) });
    const user = this.#name(username, claims);
    const identity: Identity = {
      user,
      groups: [...this.#list(groups, claims, "groups"), AUTHENTICATED],
      ...this.#uid(uid, claims),
      ...this.#extra(extra, claims),
    };
    this.#hold(userRules, {
      user: { username: identity.user, uid: identity.uid ?? "", groups: [...identity.groups.slice(0, -1)], extra: { ...identity.extra } },
    });
    return identity;
  }

  #name(mapped: Mapped, claims: Claims): string {
    const value = this.#value(mapped, claims);
    if (typeof value !== "string" || value === "")
      throw new TokenRefused(`oidc: username ${value === undefined ? "claim is not present" : "must be a non-empty string"}`);
    if ("expression" in mapped) return value;
    // Where an issuer lets people choose their address, only one that was verified says who they are.
    if (mapped.claim === "email" && claims.email_verified !== undefined && claims.email_verified !== true)
      throw new TokenRefused("oidc: email not verified");
    return mapped.prefix + value;
  }

  #list(mapped: Mapped | undefined, claims: Claims, what: string): readonly string[] {
    if (mapped === undefined) return [];
    const value = this.#value(mapped, claims);
    if (value === undefined || value === null || value === "") return [];
    const values = typeof value === "string" ? [value] : value;
    if (!Array.isArray(values) || !values.every((each) => typeof each === "string"))
      throw new TokenRefused(`oidc: ${what} must be a string or a list of strings`);
    const prefix = "claim" in mapped ? mapped.prefix : "";
    return values.filter((each) => each !== "").map((each) => prefix + each);
  }

  #uid(mapped: Mapped | undefined, claims: Claims): { readonly uid?: string } {
    if (mapped === undefined) return {};
    const value = this.#value(mapped, claims);
    if (typeof value !== "string") throw new TokenRefused("oidc: uid must be a string");
    return value === "" ? {} : { uid: value };
  }

  #extra(mappings: JwtConfiguration["extra"], claims: Claims): { readonly extra?: Record<string, readonly string[]> } {
    const extra: Record<string, readonly string[]> = {};
    for (const { key, expression } of mappings) {
      const values = this.#list({ expression }, claims, `extra ${key}`);
      if (values.length > 0) extra[key] = values;
    }
    if (typeof claims.jti === "string" && claims.jti !== "") extra[CREDENTIAL_ID] = [`JTI=${claims.jti}`];
    return Object.keys(extra).length === 0 ? {} : { extra };
  }

  #hold(rules: readonly Rule[], variables: Readonly<Record<string, unknown>>): void {
    for (const { expression, message } of rules) {
      if (this.#evaluate(expression, variables) !== true) throw new TokenRefused(`oidc: ${message}`);
    }
  }

  #value(mapped: Mapped, claims: Claims): unknown {
    return "claim" in mapped ? claims[mapped.claim] : this.#evaluate(mapped.expression, { claims: celOf(claims) });
  }

  #evaluate(expression: string, variables: Readonly<Record<string, unknown>>): unknown {
    let program = this.#programs.get(expression);
    if (program === undefined) {
      program = celProgram(expression);
      this.#programs.set(expression, program);
    }
    try {
      return program.evaluate(variables);
    } catch (error) {
      if (!(error instanceof CelFailure)) throw error;
      throw new TokenRefused(`oidc: expression '${expression}' resulted in error: ${error.message}`);
    }
  }
}

/** Whole numbers are integers to expressions. */
function celOf(value: unknown): unknown {
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(celOf);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, celOf(each)]));
  return value;
}
