import {
  API_SERVICES_ADDRESS,
  CONTROLLER_NAMES,
  DEFINITIONS_ADDRESS,
  FLEET_ADDRESS,
  type FleetMessage,
  SCRUBBER_ADDRESS,
  SNAPSHOTTER_ADDRESS,
  STAGE_PLAYER_ADDRESS,
} from "../../actors/mod.ts";
import { type Address, addressOf, type Directory, type Message, type Messenger } from "../../runtime/mod.ts";
import type { Role } from "./layout.ts";

/** An actor that is to be there at all times, and what it is woken by; hearing that again changes nothing. */
export interface Resident {
  readonly address: Address;
  readonly message: Message;
}

/** Those of a role. The writer is not among them: whoever writes wakes it. Schedulers have keepers of their own. */
export function residentsOf(role: Role): readonly Resident[] {
  const started = (addresses: readonly Address[]): readonly Resident[] =>
    addresses.map((address) => ({ address, message: { type: "start" } }));
  switch (role) {
    case "gateway":
    case "scheduler":
      return [];
    case "store":
      return started([DEFINITIONS_ADDRESS, API_SERVICES_ADDRESS, SNAPSHOTTER_ADDRESS, SCRUBBER_ADDRESS]);
    case "controllers":
      return started(CONTROLLER_NAMES.map((name) => addressOf("controller", name)));
    case "nodes": {
      const goOn: FleetMessage = { type: "goOn" };
      return [...started([STAGE_PLAYER_ADDRESS]), { address: FLEET_ADDRESS, message: goOn }];
    }
  }
}

/**
 * Wakes residents at once, and whenever the hosts change those that live on this one from then on: nobody else notices that the host they lived on
 * is gone. Returns the end of it.
 */
export function keepResidents(messenger: Messenger, directory: Directory, self: string, residents: readonly Resident[]): () => void {
  const wake = (): void => {
    for (const { address, message } of residents) if (directory.placeOf(address) === self) messenger.tell(address, message);
  };
  wake();
  return directory.watch(wake);
}
