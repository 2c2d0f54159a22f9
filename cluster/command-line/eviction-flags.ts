import { parseQuantity, quantityValue } from "../../actors/kinds/machinery/quantity.ts";
import {
  type EvictionSettings,
  SIGNALS,
  type Threshold,
  type ThresholdValue,
  type ToldSignal,
} from "../../actors/node/eviction/thresholds.ts";
import type { Values } from "./flag.ts";
import { duration_ms, WrongUsage, wholeNumber } from "./wrong-usage.ts";

/** The names and the defaults of kubelet. */
export const EVICTION_FLAGS = {
  "eviction-hard": {
    value: "SIGNAL<N,...",
    help: "what pods are evicted for at once (memory.available<100Mi, nodefs.available<10%, nodefs.inodesFree<5%, imagefs.available<15%, imagefs.inodesFree<5%, if not given; pid.available too)",
    section: "Real processes",
  },
  "eviction-soft": { value: "SIGNAL<N,...", help: "what they are evicted for when it has been so for a while", section: "Real processes" },
  "eviction-soft-grace-period": { value: "SIGNAL=D,...", help: "for how long, as memory.available=1m30s", section: "Real processes" },
  "eviction-max-pod-grace-period": {
    value: "SECONDS",
    help: "what pods have to end in when they are evicted so (0, if not given)",
    section: "Real processes",
  },
  "eviction-minimum-reclaim": {
    value: "SIGNAL=N,...",
    help: "how much more than that is to be had again when pods have been evicted",
    section: "Real processes",
  },
  "eviction-pressure-transition-period": {
    value: "D",
    help: "how long a node says of itself that it has too little when it has enough again (5m, if not given)",
    section: "Real processes",
  },
} as const;

const HARD_DEFAULT = "memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%";
const TRANSITION_DEFAULT_MS = 300_000;
const GRACE_S_MAX = 86_400;

/** Throws WrongUsage. Source: kubelet's ParseThresholdConfig. */
export function evictionFlags(values: Values<typeof EVICTION_FLAGS>): EvictionSettings {
  const reclaims = new Map(pairs("eviction-minimum-reclaim", values["eviction-minimum-reclaim"] ?? "", "="));
  const graces = new Map(pairs("eviction-soft-grace-period", values["eviction-soft-grace-period"] ?? "", "="));
  const reclaimOf = (signal: ToldSignal): ThresholdValue | undefined => {
    const text = reclaims.get(signal);
    return text === undefined ? undefined : amountOf("eviction-minimum-reclaim", text);
  };
  const hard = thresholdsOf("eviction-hard", values["eviction-hard"] ?? HARD_DEFAULT, reclaimOf, () => 0);
  const soft = thresholdsOf("eviction-soft", values["eviction-soft"] ?? "", reclaimOf, (signal) => {
    const grace = graces.get(signal);
    if (grace === undefined)
      throw new WrongUsage(`--eviction-soft ${signal}: say in --eviction-soft-grace-period for how long it is borne`);
    return duration_ms("--eviction-soft-grace-period", grace);
  });
  const transition = values["eviction-pressure-transition-period"];
  return {
    thresholds: [...hard, ...soft],
    transition_ms: transition === undefined ? TRANSITION_DEFAULT_MS : duration_ms("--eviction-pressure-transition-period", transition),
    softGrace_s: wholeNumber("--eviction-max-pod-grace-period", values["eviction-max-pod-grace-period"], 0, GRACE_S_MAX) ?? 0,
  };
}

function thresholdsOf(
  flag: string,
  text: string,
  reclaimOf: (signal: ToldSignal) => ThresholdValue | undefined,
  graceOf: (signal: ToldSignal) => number,
): readonly Threshold[] {
  return pairs(flag, text, "<").flatMap(([signal, amount]): Threshold[] => {
    // As much as nothing, or all there is, is no threshold.
    if (amount === "0%" || amount === "100%") return [];
    const value = amountOf(flag, amount);
    if (("amount" in value ? value.amount : value.part) <= 0)
      throw new WrongUsage(`--${flag} ${signal}<${amount} is no threshold: it must be positive`);
    return [{ signal, value, grace_ms: graceOf(signal), minReclaim: reclaimOf(signal) }];
  });
}

function pairs(flag: string, text: string, between: "<" | "="): readonly (readonly [ToldSignal, string])[] {
  return text
    .split(",")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const [signal = "", value = "", ...more] = part.trim().split(between);
      if (value === "" || more.length > 0) throw new WrongUsage(`--${flag} ${part} is not of the form SIGNAL${between}VALUE`);
      const known = SIGNALS.find((each) => each === signal);
      if (known === undefined) throw new WrongUsage(`--${flag} ${signal} is none of ${SIGNALS.join(", ")}`);
      return [known, value] as const;
    });
}

/** `100Mi` or `10%` */
function amountOf(flag: string, text: string): ThresholdValue {
  if (text.endsWith("%")) {
    const part = Number(text.slice(0, -1)) / 100;
    if (part >= 0 && part <= 1) return { part };
    throw new WrongUsage(`--${flag} ${text} is not a part from 0% to 100%`);
  }
  try {
    return { amount: quantityValue(parseQuantity(text)) };
  } catch (error) {
    throw new WrongUsage(`--${flag} ${text}: ${(error as Error).message}`);
  }
}
