/** Those who can be asked who may do what. Apart from what reads their configuration, which most starts do not load. */
export const AUTHORIZERS = ["Node", "RBAC", "Webhook", "AlwaysAllow", "AlwaysDeny"] as const;
export type AuthorizerName = (typeof AUTHORIZERS)[number];
