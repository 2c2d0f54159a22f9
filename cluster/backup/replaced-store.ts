import type { NatsConnection } from "nats";
import { BootFailure } from "../boot/failure.ts";
import { LOG_STREAM, MEMBERS_BUCKET } from "../boot/layout.ts";

const MEMBERS_STREAM = `KV_${MEMBERS_BUCKET}`;
/** A host that lives renews its lease in JetStream every second; one that is only slow does so within this. */
const SIGN_OF_LIFE_MS = 6_000;
const LOOK_MS = 250;
const API_TIMEOUT_MS = 10_000;

/** Takes the store of a cluster that nobody runs off these servers, so that another can take its place. Throws BootFailure when somebody does run it. */
export async function removeStore(connection: NatsConnection, where: string): Promise<void> {
  const { streams } = await connection.jetstreamManager({ timeout: API_TIMEOUT_MS });
  const names: string[] = [];
  for await (const { config } of streams.list()) names.push(config.name);
  if (names.includes(MEMBERS_STREAM)) {
    const renewals = async (): Promise<number> => (await streams.info(MEMBERS_STREAM)).state.last_seq;
    const before = await renewals();
    for (const since_ms = performance.now(); performance.now() - since_ms < SIGN_OF_LIFE_MS; ) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if ((await renewals()) !== before)
        throw new BootFailure(`a Troupe runs on the store in JetStream at ${where}; stop it before another takes its place`);
    }
  }
  // The log first, the mark never: cut short here, the next start finds that what was acknowledged is gone, and refuses.
  const doomed = [LOG_STREAM, ...names.filter((name) => name.startsWith(`${LOG_STREAM}-snapshot-`)), MEMBERS_STREAM];
  for (const name of doomed) if (names.includes(name)) await streams.delete(name);
}
