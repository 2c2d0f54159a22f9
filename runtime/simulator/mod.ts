/** The simulator's public face, apart from the kernel's: nothing that serves loads it. */
export { type Fault, faultText, planFaults } from "./fault.ts";
export type { Happened, Happening, Life } from "./happening.ts";
export { nothingVanishes } from "./invariants/accounts.ts";
export { oneActivation } from "./invariants/activations.ts";
export { asksEnd } from "./invariants/asks.ts";
export { deliveredOnceInOrder, type Numbered } from "./invariants/delivery.ts";
export { noTurnWithoutLease } from "./invariants/leases.ts";
export { restartsHappen } from "./invariants/restarts.ts";
export { restsWhenIdle } from "./invariants/rests.ts";
export { cancelledAtOnce } from "./kernel/cancelling.ts";
export { endingsAreHeardOf } from "./kernel/death-watch.ts";
export { kernelScenario } from "./kernel/scenario.ts";
export { type Plan, planOf, streamOf } from "./plan.ts";
export { reportOf } from "./report.ts";
export type { Invariant, Scenario, ScenarioOf, Seat, Size } from "./scenario.ts";
export { type Shrunk, shrink } from "./shrink.ts";
export { type Run, type SimulateOptions, simulate, type Violation } from "./simulate.ts";
export { traceLine } from "./trace.ts";
