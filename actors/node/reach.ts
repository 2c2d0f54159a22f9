/** How a node's agent reaches a port of a pod, for probes and hooks. Each throws an Error whose message says why it could not, in Go's words. */
export interface Reach {
  http(request: HttpCall): Promise<HttpAnswer>;
  /** Resolves when the connection stands; it is closed at once. */
  tcp(host: string, port: number, timeout_ms: number): Promise<void>;
  /** Resolves with the status that the service has by gRPC's health protocol: `SERVING`, `NOT_SERVING`, ... */
  grpcHealth(host: string, port: number, service: string, timeout_ms: number): Promise<string>;
}

export interface HttpCall {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeout_ms: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** The beginning of it. */
  readonly body: string;
  /** Where it leads to, if anywhere else. */
  readonly location: string | undefined;
}
