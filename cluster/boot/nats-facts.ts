import type { NatsConnection } from "nats";
import { OBJECT_BYTES_MAX } from "../../actors/mod.ts";

/** Copies that JetStream keeps of everything where NATS is a cluster: one server may be lost. */
const COPIES_IN_CLUSTER = 3;
/** Room in a message beside one object of the largest size: its key, the headers of record, batch and message. */
const MESSAGE_ROOM_BYTES = 64 * 1024;
const MIB = 1024 * 1024;

/** How many copies of the store JetStream is to keep. The servers themselves say whether they are a cluster, whichever of them were named. */
export function copiesOn({ info }: NatsConnection): number {
  return info?.cluster === undefined ? 1 : COPIES_IN_CLUSTER;
}

/** What a user should know of these servers, in a few words; undefined: nothing. */
export function cautionAbout({ info }: NatsConnection): string | undefined {
  const payloadMax = info?.max_payload ?? 0;
  if (payloadMax >= OBJECT_BYTES_MAX + MESSAGE_ROOM_BYTES) return undefined;
  return `the NATS servers take messages of ${(payloadMax / MIB).toFixed(1)} MiB at most, and larger objects are refused: set max_payload: 8MB there`;
}
