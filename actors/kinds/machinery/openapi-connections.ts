/** Subresources that lead to what an object stands for, as the OpenAPI documents have them: text goes over them, and their parameters are in the query. */
import type { Subresource } from "../kind.ts";

const TYPES: Readonly<Record<string, "boolean" | "integer">> = {
  follow: "boolean",
  insecureSkipTLSVerifyBackend: "boolean",
  limitBytes: "integer",
  ports: "integer",
  previous: "boolean",
  sinceSeconds: "integer",
  stderr: "boolean",
  stdin: "boolean",
  stdout: "boolean",
  tailLines: "integer",
  timestamps: "boolean",
  tty: "boolean",
};
const STREAMS: readonly string[] = ["container", "stderr", "stdin", "stdout", "tty"];
/** Source: the fields of PodExecOptions, PodLogOptions and their like in core/v1. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  attach: STREAMS,
  exec: [...STREAMS, "command"],
  log: [
    "container",
    "follow",
    "insecureSkipTLSVerifyBackend",
    "limitBytes",
    "pretty",
    "previous",
    "sinceSeconds",
    "sinceTime",
    "stream",
    "tailLines",
    "timestamps",
  ],
  portforward: ["ports"],
  proxy: ["path"],
};

const METHODS = { create: "post", delete: "delete", get: "get", patch: "patch", update: "put" } as const;

/** One operation of a connection. */
export interface Connection {
  readonly method: "delete" | "get" | "patch" | "post" | "put";
  /** The verb in `x-kubernetes-action`. */
  readonly action: "connect" | "get";
  readonly query: readonly { readonly name: string; readonly type: string }[];
}

/** The operations of a subresource that connects. A log is read like an object. */
export function connectionsOf({ name, verbs }: Subresource): readonly Connection[] {
  const query = (PARAMETERS[name] ?? []).map((parameter) => ({ name: parameter, type: TYPES[parameter] ?? "string" }));
  return verbs.map((verb) => ({ method: METHODS[verb], action: name === "log" ? "get" : "connect", query }));
}
