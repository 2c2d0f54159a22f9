import { Client, credentials, type MethodDefinition, type ServiceError, status } from "@grpc/grpc-js";
import type { Clock } from "../../../runtime/mod.ts";
import { GrpcFailure } from "./failure.ts";
import type { MessageTable, MethodTable, Received, Sent, Service } from "./messages.ts";

const NO_CODE = status.UNKNOWN;
/** Source: kubelet's maxMsgSize, and its baseBackoffDelay and maxBackoffDelay: before a server that was lost is dialled again. */
const MESSAGE_BYTES_MAX = 16 * 1_024 * 1_024;
const BACK_OFF_FIRST_MS = 100;
const BACK_OFF_MOST_MS = 3_000;

/** Calls a service behind a unix socket. It has a connection of its own, and one that was lost is made anew with the next call. */
export class GrpcClient<T extends MessageTable, M extends MethodTable<T>> {
  readonly #service: Service<T, M>;
  readonly #client: Client;
  readonly #clock: Clock;

  constructor(service: Service<T, M>, socket: string, clock: Clock) {
    this.#service = service;
    this.#clock = clock;
    // Shared with nobody: who has just begun to listen would not be tried before another one's back-off is over.
    this.#client = new Client(`unix:${socket}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
      "grpc.initial_reconnect_backoff_ms": BACK_OFF_FIRST_MS,
      "grpc.max_reconnect_backoff_ms": BACK_OFF_MOST_MS,
    });
  }

  /**
   * Throws GrpcFailure; after the timeout, or when the signal is aborted, the other side is told that nobody waits any more. Without a timeout it is waited for as long as
   * it takes.
   */
  call<N extends keyof M & string>(
    method: N,
    request: Sent<T, M[N][0]>,
    timeout_ms?: number,
    signal?: AbortSignal,
  ): Promise<Received<T, M[N][1]>> {
    const facts = this.#factsOf(method);
    return new Promise((resolve, reject) => {
      let isLate = false;
      const call = this.#client.makeUnaryRequest<object, object>(
        facts.path,
        facts.requestSerialize,
        facts.responseDeserialize,
        request,
        (error, answer) => {
          timer?.cancel();
          signal?.removeEventListener("abort", cancel);
          if (error === null) resolve(answer as Received<T, M[N][1]>);
          else reject(isLate ? new GrpcFailure(status.DEADLINE_EXCEEDED, `no answer within ${timeout_ms} ms`) : failureOf(error));
        },
      );
      const timer =
        timeout_ms === undefined
          ? undefined
          : this.#clock.after(timeout_ms, () => {
              isLate = true;
              call.cancel();
            });
      function cancel(): void {
        call.cancel();
      }
      signal?.addEventListener("abort", cancel);
      if (signal?.aborted === true) cancel();
    });
  }

  /** All that a method answers of which the table says that it is a stream, until it ends or the signal is aborted. Throws GrpcFailure. */
  async *follow<N extends keyof M & string>(
    method: N,
    request: Sent<T, M[N][0]>,
    signal: AbortSignal,
  ): AsyncGenerator<Received<T, M[N][1]>> {
    const { path, requestSerialize, responseDeserialize } = this.#factsOf(method);
    const call = this.#client.makeServerStreamRequest<object, object>(path, requestSerialize, responseDeserialize, request);
    const cancel = (): void => call.cancel();
    signal.addEventListener("abort", cancel);
    if (signal.aborted) cancel();
    try {
      for await (const answer of call) yield answer as Received<T, M[N][1]>;
    } catch (error) {
      throw failureOf(error as ServiceError);
    } finally {
      signal.removeEventListener("abort", cancel);
      cancel();
    }
  }

  close(): void {
    this.#client.close();
  }

  #factsOf(method: string): MethodDefinition<object, object> {
    const facts = this.#service.definition[method];
    if (facts === undefined) throw new Error(`the service has no method ${method}`);
    return facts;
  }
}

function failureOf({ code = NO_CODE, details, message }: ServiceError): GrpcFailure {
  return new GrpcFailure(code, details === "" ? message : details);
}
