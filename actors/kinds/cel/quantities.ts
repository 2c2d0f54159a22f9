/** Quantities. Source: k8s.io/apiserver/pkg/cel/library/quantity.go. */
import type { Environment } from "@marcbachmann/cel-js";
import { compareQuantities, parseQuantity, type Quantity, subtractQuantities, addQuantities as sum } from "../machinery/quantity.ts";

const NANO_PER_UNIT = 1_000_000_000n;

export class CelQuantity {
  readonly quantity: Quantity;
  constructor(given: string | Quantity) {
    this.quantity = typeof given === "string" ? parseQuantity(given) : given;
  }
  compare({ quantity }: CelQuantity): number {
    return Math.sign(compareQuantities(this.quantity, quantity));
  }
}

export function addQuantities(env: Environment): void {
  env.registerType("kubernetes.Quantity", CelQuantity);
  env.registerFunction("quantity(string): kubernetes.Quantity", (text: string) => new CelQuantity(text));
  env.registerFunction("isQuantity(string): bool", (text: string) => {
    try {
      return new CelQuantity(text) instanceof CelQuantity;
    } catch {
      return false;
    }
  });
  env.registerOperator("kubernetes.Quantity == kubernetes.Quantity", (a: CelQuantity, b: CelQuantity) => a.compare(b) === 0);
  const on = (signature: string, run: (quantity: CelQuantity, other: never) => unknown): void => {
    env.registerFunction(`kubernetes.Quantity.${signature}`, run as (...values: unknown[]) => unknown);
  };
  on("isGreaterThan(kubernetes.Quantity): bool", (a, b: CelQuantity) => a.compare(b) > 0);
  on("isLessThan(kubernetes.Quantity): bool", (a, b: CelQuantity) => a.compare(b) < 0);
  on("compareTo(kubernetes.Quantity): int", (a, b: CelQuantity) => BigInt(a.compare(b)));
  on("sign(): int", ({ quantity: { nano } }) => (nano > 0n ? 1n : nano < 0n ? -1n : 0n));
  on("isInteger(): bool", ({ quantity: { nano } }) => nano % NANO_PER_UNIT === 0n);
  on("asInteger(): int", ({ quantity: { nano } }) => {
    if (nano % NANO_PER_UNIT !== 0n) throw new Error("cannot convert value to integer");
    return nano / NANO_PER_UNIT;
  });
  const whole = (value: bigint): Quantity => parseQuantity(String(value));
  on("add(kubernetes.Quantity): kubernetes.Quantity", (a, b: CelQuantity) => new CelQuantity(sum(a.quantity, b.quantity)));
  on("add(int): kubernetes.Quantity", (a, b: bigint) => new CelQuantity(sum(a.quantity, whole(b))));
  on("sub(kubernetes.Quantity): kubernetes.Quantity", (a, b: CelQuantity) => new CelQuantity(subtractQuantities(a.quantity, b.quantity)));
  on("sub(int): kubernetes.Quantity", (a, b: bigint) => new CelQuantity(subtractQuantities(a.quantity, whole(b))));
  on("asApproximateFloat(): double", ({ quantity: { nano } }) => Number(nano) / Number(NANO_PER_UNIT));
}
