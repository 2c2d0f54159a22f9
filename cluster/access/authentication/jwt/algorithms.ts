/** All that are signatures by a key of which only the issuer has the private half. Source: apiserver's AllValidSigningAlgorithms. */
export const SIGNING_ALGORITHMS: readonly string[] = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"];
