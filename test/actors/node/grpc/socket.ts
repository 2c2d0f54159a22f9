import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { MessageTable, MethodTable, Received, Sent, Service } from "../../../../actors/node/grpc/messages.ts";

export interface Listening {
  readonly socket: string;
  close(): Promise<void>;
}

/** What answers the methods of a service; a throw of Refused is a refusal of that code. */
export type Answers<T extends MessageTable, M extends MethodTable<T>> = {
  readonly [N in keyof M]?: (
    request: Received<T, M[N][0]>,
    /** Aborted when nobody waits any more. */
    signal: AbortSignal,
  ) => Sent<T, M[N][1]> | Promise<Sent<T, M[N][1]>> | AsyncIterable<Sent<T, M[N][1]>>;
};

export class Refused extends Error {
  readonly code: number;

  constructor(code: keyof typeof status, message: string) {
    super(message);
    this.code = status[code];
  }
}

// biome-ignore lint/suspicious/noExplicitAny: services of any tables
export interface Offered<S extends Service<any, any> = Service<any, any>> {
  readonly service: S;
  readonly answers: S extends Service<infer T, infer M> ? Answers<T, M> : never;
}

export function offered<T extends MessageTable, M extends MethodTable<T>>(service: Service<T, M>, answers: Answers<T, M>): Offered {
  return { service, answers: answers as never };
}

/** Listens at the path, or at one of its own. */
export async function listening(services: readonly Offered[], path?: string): Promise<Listening> {
  const directory = path === undefined ? await mkdtemp(join(tmpdir(), "troupe-grpc-")) : undefined;
  const socket = path ?? join(directory ?? "", "socket");
  const server = new Server();
  for (const { service, answers } of services) {
    const methods: UntypedServiceImplementation = {};
    for (const [name, answer] of Object.entries(answers as Record<string, Answering>)) {
      const streams = (service as Service<MessageTable, MethodTable<MessageTable>>).definition[name]?.responseStream === true;
      methods[name] = streams
        ? (call: ServerWritableStream<object, object>) => void tell(call, answer)
        : (call: ServerUnaryCall<object, object>, done: (error: Partial<ServiceError> | null, answer?: object) => void): void => {
            (async () => answer(call.request, over(call)))().then(
              (value) => done(null, value as object),
              (error: Error) => done(refusalOf(error)),
            );
          };
    }
    server.addService(service.definition, methods);
  }
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error)));
  });
  return {
    socket,
    async close() {
      server.forceShutdown();
      await rm(directory ?? socket, { recursive: true, force: true });
    },
  };
}

type Answering = (request: object, signal: AbortSignal) => unknown;

function over(call: ServerUnaryCall<object, object> | ServerWritableStream<object, object>): AbortSignal {
  const controller = new AbortController();
  call.on("cancelled", () => controller.abort());
  return controller.signal;
}

function refusalOf(error: Error): Partial<ServiceError> {
  return { code: error instanceof Refused ? error.code : status.INTERNAL, details: error.message };
}

async function tell(call: ServerWritableStream<object, object>, answer: Answering): Promise<void> {
  try {
    for await (const message of answer(call.request, over(call)) as AsyncIterable<object>) call.write(message);
    call.end();
  } catch (error) {
    call.emit("error", refusalOf(error as Error));
  }
}
