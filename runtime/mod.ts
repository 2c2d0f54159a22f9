/** The actor kernel's public face. What is not here is the kernel's own. */
export type { Actor, ActorKind, AskOptions, Context, Logger, Message, Messenger, Sender, Supervision } from "./actor.ts";
export { type Address, addressOf, keyOf, kindOf } from "./address.ts";
export { ASK_FAILURES, AskFailed, type AskFailure } from "./ask-failed.ts";
export { ASK_DEADLINE_MS } from "./asks.ts";
export type { DeadLetterReason, HostCounters, KindCounters } from "./counters.ts";
export { Directory, type Member, placeOf } from "./directory.ts";
export { Host, type HostOptions } from "./host.ts";
export { type LogLevel, type LogOptions, pinoLogger, silentLogger, withFields } from "./log.ts";
export { type LoopbackNetwork, loopbackNetwork } from "./loopback-network.ts";
export { type NatsTransportOptions, natsTransport } from "./nats-transport.ts";
export { systemClock, systemRandom } from "./system.ts";
export type { Clock, Random, Timer } from "./time.ts";
export type { Transport } from "./transport.ts";
export { unknownMessage } from "./unknown-message.ts";
export { seededRandom, type VirtualClock, virtualClock } from "./virtual.ts";
export { type RunOptions, WorkerPool, WorkerPoolBusy, type WorkerPoolOptions } from "./worker-pool.ts";
