/** Troupe's client for NATS: the package's entry `troupe/client`. */

export type { Options } from "./caller.ts";
export { type Status, TroupeError } from "./error.ts";
export type { Draft, List, PatchType, Resource } from "./resource.ts";
export { type Placement, Troupe, type TroupeOptions } from "./troupe.ts";
export type { WatchEvent, WatchOptions } from "./watch.ts";
