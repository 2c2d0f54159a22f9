import type { Address } from "../../../runtime/mod.ts";

/** What a host's process is started with. */
export interface Setting {
  readonly url: string;
  readonly name: string;
  /** The file to which it appends a Turn a line. */
  readonly journal: string;
  readonly lease_ms: number;
  /** Actors that it asks: `count/a0` and so on. */
  readonly addresses: number;
}

/** The beginning of a turn. */
export interface TurnLine {
  /** Nanoseconds of the machine's monotonic clock. */
  readonly at: number;
  readonly address: Address;
  readonly epoch: number;
  readonly host: string;
  /** Turns of this activation, this one included. */
  readonly count: number;
}

export type ToProcess = { readonly type: "traffic"; readonly on: boolean } | { readonly type: "report" } | { readonly type: "leave" };

export interface Report {
  readonly type: "report";
  readonly incarnation: number;
  readonly members: readonly string[];
  readonly active: readonly Address[];
  readonly fenced: number;
  readonly asked: {
    readonly begun: number;
    readonly ended: number;
    readonly answered: number;
    readonly codes: Readonly<Record<string, number>>;
  };
}

export type FromProcess = { readonly type: "joined" } | { readonly type: "left" } | Report;
