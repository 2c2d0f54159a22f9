import type { Address } from "../../runtime/mod.ts";

/** The one fleet, which leads all nodes. */
export const FLEET_ADDRESS: Address = "fleet/main";
