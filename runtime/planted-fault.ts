/**
 * Faults that a host has on purpose, one at a time: the simulator's own test is that it finds them. Nothing but that test may plant one.
 * - `lost-restart`: an actor that crashes while nobody waits for it is not restarted, although its kind says so
 * - `dropped-frame-taken-for-delivered`: what was on its way when a connection broke is not sent again, as if it had arrived
 * - `no-fencing`: a host acts without a lease, goes on with its actors after it was removed, and hears hosts that were removed
 */
export type PlantedFault = "no-fencing" | "lost-restart" | "dropped-frame-taken-for-delivered";
