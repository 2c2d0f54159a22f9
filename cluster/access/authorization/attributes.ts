/** What a decision is about. A RequestInfo of the gateway is one as it stands. */
export type Attributes = ResourceAttributes | PageAttributes;

export interface ResourceAttributes {
  readonly type: "resource";
  /** Also those that no request has: `impersonate`, `bind`, `escalate`, `approve`, `sign`. */
  readonly verb: string;
  readonly group: string;
  /** Of a request; absent where the version does not matter. */
  readonly version?: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty: all namespaces, or a resource that has none. */
  readonly namespace: string;
  /** Empty: all objects, or one that has no name yet. */
  readonly name: string;
  /** May hold a `fieldSelector`, which can narrow what is read to what somebody may read. */
  readonly query?: URLSearchParams;
}

export interface PageAttributes {
  readonly type: "page";
  /** In small letters. */
  readonly method: string;
  readonly path: string;
}

/** The attributes of an action on resources, of which what is not given is empty. */
export function onResource(given: Partial<ResourceAttributes> & { readonly verb: string; readonly resource: string }): ResourceAttributes {
  return { type: "resource", group: "", subresource: "", namespace: "", name: "", ...given };
}
