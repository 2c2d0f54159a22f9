import type { Message } from "../actor.ts";
import type { Address } from "../address.ts";
import type { Fault } from "./fault.ts";

/** A host in one of its lives: a host that was killed or left comes back under its name in the next one. */
export interface Life {
  readonly host: string;
  readonly life: number;
}

/** An activation of an actor. */
export interface ActivationOf extends Life {
  readonly address: Address;
  readonly epoch: number;
}

/** Why a frame did not arrive. */
export type Loss = "server away" | "sender not connected" | "receiver not connected" | "partition" | "nobody listens" | "receiver ended";

/** What can be seen from outside of a run, one thing after another: invariants look at it, and a trace is a list of it. */
export type Happening =
  | ({ readonly what: "host begins" | "host leaves" | "host pauses" | "host goes on" } & Life)
  | ({ readonly what: "host ends"; readonly how: "killed" | "left" } & Life)
  /** The host may begin turns until this moment of true time. */
  | ({ readonly what: "lease"; readonly until_ms: number } & Life)
  /** The host goes by other members from now on; `owns` says what lives there under them. */
  | ({ readonly what: "view"; readonly members: readonly string[]; readonly owns: (address: Address) => boolean } & Life)
  /** The host was removed while it was silent, and found out: its activations are over. */
  | ({ readonly what: "fenced" } & Life)
  | { readonly what: "fault begins" | "fault ends"; readonly fault: Fault }
  | ({ readonly what: "activated" } & ActivationOf)
  | ({ readonly what: "activation failed" } & ActivationOf)
  | ({ readonly what: "ended" } & ActivationOf)
  | ({ readonly what: "turn begins"; readonly message: Message } & ActivationOf)
  | ({ readonly what: "turn ends"; readonly message: Message; readonly crashed: boolean } & ActivationOf)
  | ({ readonly what: "told"; readonly from: string; readonly to: Address; readonly message: Message } & Life)
  | ({
      readonly what: "asked";
      readonly from: string;
      readonly to: Address;
      readonly message: Message;
      readonly deadline_ms: number;
    } & Life)
  | ({ readonly what: "answered"; readonly to: Address; readonly message: Message; readonly value: unknown } & Life)
  | ({ readonly what: "ask failed"; readonly to: Address; readonly message: Message; readonly code: string } & Life)
  | ({ readonly what: "dead letter"; readonly reason: string; readonly to: string; readonly message: Message | undefined } & Life)
  | { readonly what: "frame arrives"; readonly from: string; readonly to: Life; readonly bytes: Uint8Array }
  | { readonly what: "frame lost"; readonly from: string; readonly to: string; readonly bytes: Uint8Array; readonly why: Loss }
  | ({ readonly what: "log"; readonly level: string; readonly text: string; readonly fields: object } & Life)
  | ({ readonly what: "note"; readonly text: string; readonly data: unknown } & Life);

/** When something happened, and what. */
export type Happened = Happening & { readonly at_ms: number };
