import { follow, Replica } from "../../actors/mod.ts";
import { silentLogger, systemClock } from "../../runtime/mod.ts";
import type { Figure } from "../figure.ts";
import type { StoreRig } from "./store-rig.ts";

/** How fast a replica that begins anew follows the whole log. */
export async function measureReplay({ log, conditions }: StoreRig): Promise<readonly Figure[]> {
  const clock = systemClock();
  const replica = new Replica({ clock, log: silentLogger });
  const start_ms = performance.now();
  const replay = follow({ log, replica, clock, logger: silentLogger });
  await replay.ready;
  const perSecond = (replica.revision / (performance.now() - start_ms)) * 1_000;
  replay.stop();
  return [
    {
      suite: "store",
      case: "replay",
      metric: "records",
      value: perSecond,
      unit: "1/s",
      conditions: `${replica.revision} records, ${conditions}`,
    },
  ];
}
