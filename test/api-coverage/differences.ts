/**
 * The recorded conversations (test/parity/api.jsonl) whose answers differ from Kubernetes', and why. One that comes to agree fails its test, so that
 * the list stays true.
 */
export const DIFFERENT: ReadonlyMap<string, string> = new Map([
  ["get-/api", "The answer holds the server's own address, which no two servers share."],
]);
