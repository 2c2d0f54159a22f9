import type { Kind } from "../../actors/kinds/kind.ts";
import type { Entry } from "../../actors/store/view.ts";

/** What a handler decided to say. How it is printed (JSON, YAML, a table, compressed) is the printer's business. */
export type Answer =
  /** One object from the store, or as it would be stored. */
  | { readonly type: "object"; readonly code: number; readonly kind: Kind; readonly entry: Entry }
  | ListAnswer
  /** A value that the store does not hold: a Status, a Scale, a discovery document. */
  | { readonly type: "value"; readonly code: number; readonly value: object }
  /** JSON text that is printed as it is, or turned to YAML. */
  | { readonly type: "json"; readonly code: number; readonly json: string; readonly headers?: Headers; readonly contentType?: string }
  /** A body that is no text, with its own media type. */
  | { readonly type: "bytes"; readonly code: number; readonly bytes: Buffer; readonly headers?: Headers; readonly contentType: string }
  | { readonly type: "text"; readonly code: number; readonly text: string; readonly headers?: Headers; readonly contentType?: string }
  /** 304: what the client has is still right. Only these headers, since a client's cache takes all of them over the ones it has. */
  | { readonly type: "unchanged"; readonly headers: Headers }
  /** The handler answers by itself, for as long as it takes (a watch). */
  | { readonly type: "taken" };

export interface ListAnswer {
  readonly type: "list";
  readonly kind: Kind;
  readonly entries: readonly Entry[];
  readonly revision: number;
  /** Where the next page begins; empty on the last. */
  readonly continue: string;
  /** How many objects are still to come, where it is known without looking at each. */
  readonly remaining: number | undefined;
}

export type Headers = Readonly<Record<string, string>>;

/** Kubernetes' answer for a path that leads nowhere. */
export const PAGE_NOT_FOUND: Answer = { type: "text", code: 404, text: "404 page not found\n" };
