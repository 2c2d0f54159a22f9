import type { Figure } from "../figure.ts";
import { ClientThread } from "./client-thread.ts";
import { openGateway } from "./gateway-rig.ts";
import { OBJECT_BYTES } from "./pod-text.ts";
import { fill, startStoreRig } from "./store-rig.ts";

const PODS = 150_000;
const REPEATS = 3;

/** A consistent list of all pods over HTTPS, read by a client in another thread. */
export async function measureLists(): Promise<readonly Figure[]> {
  const rig = await startStoreRig();
  await fill(rig, PODS, "list");
  const { gateway, access } = await openGateway(rig);
  const client = new ClientThread(access);
  const figures: Figure[] = [];
  try {
    for (let repeat = 1; repeat <= REPEATS; repeat++) {
      const { took_ms, firstByte_ms, bytes } = await client.run({ type: "read", path: "/api/v1/pods" }, "read");
      const conditions = `${PODS} pods of ${OBJECT_BYTES} bytes, ${Math.round(bytes / 1e6)} MB of JSON over HTTPS to another thread; ${rig.conditions}`;
      const named = { suite: "store", case: `consistent list, run ${repeat}`, conditions };
      figures.push(
        { ...named, metric: "first byte", value: firstByte_ms, unit: "ms" },
        { ...named, metric: "last byte", value: took_ms, unit: "ms" },
      );
    }
  } finally {
    await client.close();
    await gateway.close(0);
    await rig.stop();
  }
  return figures;
}
