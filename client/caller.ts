import type { NatsConnection } from "nats";

/** Parameters of the REST API, by their names there: `labelSelector`, `limit`, `dryRun`, `fieldManager`. */
export type Options = Readonly<Record<string, string | number | boolean>>;

/** A question to the API. */
export interface Ask {
  readonly resource: string;
  readonly namespace: string;
  readonly name?: string;
  readonly body?: unknown;
  /** In place of a body: many of these requests in one message, a line of JSON each. The answer is one of each, a refusal as TroupeError. */
  readonly lines?: readonly string[];
  readonly contentType?: string;
  readonly options?: Options;
  /** Asks again for as long as nobody answers. */
  readonly patient?: boolean;
}

/** What resources ask through. */
export interface Caller {
  readonly connection: NatsConnection;
  ask<A>(verb: string, asked: Ask): Promise<A>;
  onReconnect(run: () => void): () => void;
}
