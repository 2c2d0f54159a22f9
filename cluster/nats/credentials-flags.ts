import { DATA, type Flags, KUBECONFIG, parseFlags } from "../command-line/flag.ts";
import { duration_ms } from "../command-line/wrong-usage.ts";

/** What `troupe nats-credentials` was asked for. */
export interface NatsCredentialsFlags {
  readonly kubeconfig: string;
  /** Where they are written; undefined: standard output. */
  readonly file: string | undefined;
  readonly ttl_ms: number;
}

const FLAGS = {
  kubeconfig: KUBECONFIG,
  data: DATA,
  output: { short: "o", value: "FILE", help: "write them there (else they are printed)" },
  ttl: { value: "D", default: "1h", help: "for so long, a day at most" },
} as const;
export const NATS_CREDENTIALS_FLAGS: Flags = FLAGS;

/** Throws WrongUsage. */
export function parseNatsCredentialsFlags(args: readonly string[]): NatsCredentialsFlags {
  const values = parseFlags("nats-credentials", FLAGS, args);
  return {
    kubeconfig: values.kubeconfig ?? `${values.data || DATA.default}/kubeconfig`,
    file: values.output,
    ttl_ms: duration_ms("--ttl", values.ttl),
  };
}
