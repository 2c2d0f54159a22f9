import { DATA, type Flags, KUBECONFIG, parseFlags } from "../../command-line/flag.ts";
import { type Format, formatOf, OUTPUT } from "../../command-line/output.ts";
import { duration_ms } from "../../command-line/wrong-usage.ts";

/** What `troupe console` was asked for. */
export interface ConsoleFlags {
  readonly kubeconfig: string;
  readonly ttl_ms: number;
  /** Whether a browser is to be opened, where there is a desktop. */
  readonly opens: boolean;
  readonly format: Format;
}

const FLAGS = {
  kubeconfig: KUBECONFIG,
  data: DATA,
  ttl: { value: "D", default: "8h", help: "signed in for so long, 12h at most" },
  "print-only": { help: "open no browser" },
  output: OUTPUT,
} as const;
export const CONSOLE_FLAGS: Flags = FLAGS;

/** Throws WrongUsage. */
export function parseConsoleFlags(args: readonly string[]): ConsoleFlags {
  const values = parseFlags("console", FLAGS, args);
  return {
    kubeconfig: values.kubeconfig ?? `${values.data || DATA.default}/kubeconfig`,
    ttl_ms: duration_ms("--ttl", values.ttl),
    opens: !values["print-only"],
    format: formatOf(OUTPUT, values.output),
  };
}
