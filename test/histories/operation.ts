/** What a client asked of one key of the store. */
export type Request =
  | { readonly op: "create"; readonly value: string }
  | { readonly op: "update"; readonly expect: number; readonly value: string }
  | { readonly op: "delete"; readonly expect: number }
  /** A consistent read: of what was committed when it was asked for, or of something later. */
  | { readonly op: "read" };

/** What it was told. */
export type Answer =
  | { readonly type: "committed"; readonly revision: number }
  /** The precondition failed: `actual` is the key's revision; undefined: absent. */
  | { readonly type: "conflict"; readonly actual: number | undefined }
  /** `at` is the revision of the store that the read is of. */
  | { readonly type: "read"; readonly at: number; readonly found: Found | undefined };

export interface Found {
  readonly revision: number;
  readonly value: string;
}

/** One operation of a history, as its client saw it. Values are unique in a history. */
export interface Operation {
  readonly client: string;
  readonly key: string;
  /** Both are of one clock that all clients share; only their order counts. `returned` is Infinity when no answer came. */
  readonly called: number;
  readonly returned: number;
  readonly request: Request;
  /** Undefined: no answer came. Then it happened at any moment after the call, or never. */
  readonly answer: Answer | undefined;
}

/** One change as the log of the store holds it. */
export interface Happening {
  readonly revision: number;
  readonly key: string;
  readonly type: "created" | "updated" | "deleted";
  /** Undefined for a deletion. */
  readonly value: string | undefined;
  /** The first revision of the transaction that it belongs to. */
  readonly transaction: number;
}

export function describeOperation({ client, key, called, returned, request, answer }: Operation): string {
  const asked = request.op === "read" ? "read" : `${request.op} ${JSON.stringify({ ...request, op: undefined })}`;
  return `${client} ${asked} of ${key} from ${called} to ${returned}: ${answer === undefined ? "no answer" : JSON.stringify(answer)}`;
}
