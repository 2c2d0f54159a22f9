import { ANYBODY } from "../../../cluster/access/authentication/anonymous.ts";
import type { AccessSettings } from "../../../cluster/access/settings.ts";

/** What a start without flags has. */
export function settingsOf(signingKey: string): AccessSettings {
  return {
    signingKey,
    consoleKey: signingKey,
    issuer: "https://k",
    staticTokens: [],
    authentication: { jwt: [], anonymous: ANYBODY },
    tokenWebhook: undefined,
    authorizers: [{ type: "Node" }, { type: "RBAC" }],
  };
}
