/** How the house calls others: whatever answers over HTTPS at an address, or behind a service. */
export interface WebhookTarget {
  readonly url?: string;
  readonly service?: { readonly namespace: string; readonly name: string; readonly port?: number; readonly path?: string };
  /** PEM in base64: whom to trust there. Without it, whom this machine trusts. */
  readonly caBundle?: string;
}

/** The door to them; how it is done is no matter of admission. */
export interface WebhookClient {
  /** Posts JSON and resolves to the answer, parsed. Throws WebhookFailure, also when it takes longer than the timeout. */
  post(target: WebhookTarget, body: string, timeout_s: number): Promise<unknown>;
}

/** A call that did not lead to an answer. The message is what kube-apiserver's own client says of such a failure. */
export class WebhookFailure extends Error {
  override readonly name = "WebhookFailure";
}

/** For a house without a door. */
export const NO_WEBHOOKS: WebhookClient = {
  async post() {
    throw new WebhookFailure("this host calls no webhooks");
  },
};
