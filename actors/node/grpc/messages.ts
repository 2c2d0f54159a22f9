/**
 * Messages and services of gRPC as tables of facts. A message is its fields, each with its number and type; names of fields are ours, since a wire has numbers:
 *
 *   `1 string`   `2 repeated string`   `3 map` (of text to text)   `3 map Volume` (of text to messages)   `4 CapacityRange` (a message of the same table)
 *
 * An enumeration is an int32. What is not in a table is passed over, as protobuf wants it. The types of messages follow from their table.
 */
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import protobuf from "protobufjs/light.js";

export type MessageTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

interface Scalars {
  string: string;
  bool: boolean;
  int32: number;
  uint32: number;
  /** To the nearest that a number holds. */
  int64: number;
  uint64: number;
  bytes: Uint8Array;
}

type Sendable<T extends MessageTable, F> = F extends `${number} repeated ${infer Item}`
  ? readonly SentItem<T, Item>[]
  : F extends `${number} map`
    ? Readonly<Record<string, string>>
    : F extends `${number} map ${infer Item}`
      ? Readonly<Record<string, SentItem<T, Item>>>
      : F extends `${number} ${infer Item}`
        ? SentItem<T, Item>
        : never;
type SentItem<T extends MessageTable, I> = I extends keyof Scalars ? Scalars[I] : I extends keyof T ? Sent<T, I> : never;

/** A message as it is given to be sent: what is left out is not sent. */
export type Sent<T extends MessageTable, M extends keyof T> = { readonly [F in keyof T[M]]?: Sendable<T, T[M][F]> | undefined };

type Receivable<T extends MessageTable, F> = F extends `${number} repeated ${infer Item}`
  ? readonly ReceivedItem<T, Item>[]
  : F extends `${number} map`
    ? Readonly<Record<string, string>>
    : F extends `${number} map ${infer Item}`
      ? Readonly<Record<string, ReceivedItem<T, Item>>>
      : F extends `${number} ${infer Item}`
        ? Item extends keyof T
          ? Received<T, Item> | null
          : ReceivedItem<T, Item>
        : never;
type ReceivedItem<T extends MessageTable, I> = I extends keyof Scalars ? Scalars[I] : I extends keyof T ? Received<T, I> : never;

/** A message as it was received: what was not sent is empty, and a message that was not sent is null. */
export type Received<T extends MessageTable, M extends keyof T> = { readonly [F in keyof T[M]]: Receivable<T, T[M][F]> };

/** By its name what a method takes and what it answers; with `stream` it answers many. */
export type MethodTable<T extends MessageTable> = Readonly<
  Record<string, readonly [request: keyof T & string, answer: keyof T & string, stream?: "stream"]>
>;

export interface Service<T extends MessageTable, M extends MethodTable<T>> {
  readonly definition: ServiceDefinition<UntypedServiceImplementation>;
  /** For their types alone. */
  readonly messages: T;
  readonly methods: M;
}

/** A service by its full name: `csi.v1.Node`. */
export function serviceOf<const T extends MessageTable, const M extends MethodTable<T>>(
  name: string,
  messages: T,
  methods: M,
): Service<T, M> {
  const types = typesOf(messages);
  const codec = (message: string): Codec => codecOf(types.lookupType(message));
  const definition = Object.entries(methods).map(([method, [request, answer, stream]]) => {
    const [asked, answered] = [codec(request), codec(answer)];
    return [
      method,
      {
        path: `/${name}/${method}`,
        requestStream: false,
        responseStream: stream !== undefined,
        requestSerialize: asked.encode,
        requestDeserialize: asked.decode,
        responseSerialize: answered.encode,
        responseDeserialize: answered.decode,
      },
    ] as const;
  });
  return { definition: Object.fromEntries(definition), messages, methods };
}

interface Codec {
  encode(message: object): Buffer;
  decode(bytes: Buffer): object;
}

function codecOf(type: protobuf.Type): Codec {
  return {
    encode: (message) => Buffer.from(type.encode(type.fromObject(message)).finish()),
    decode: (bytes) => type.toObject(type.decode(bytes), { defaults: true, arrays: true, objects: true, longs: Number }),
  };
}

function typesOf(messages: MessageTable): protobuf.Root {
  const root = new protobuf.Root();
  for (const [name, fields] of Object.entries(messages)) {
    const type = new protobuf.Type(name);
    for (const [field, facts] of Object.entries(fields)) type.add(fieldOf(field, facts));
    root.add(type);
  }
  root.resolveAll();
  return root;
}

function fieldOf(name: string, facts: string): protobuf.FieldBase {
  const [number, ...words] = facts.split(" ");
  const id = Number(number);
  const [first = "", item = ""] = words;
  if (first === "map") return new protobuf.MapField(name, id, "string", item === "" ? "string" : item);
  return first === "repeated" ? new protobuf.Field(name, id, item, "repeated") : new protobuf.Field(name, id, first);
}
