import { DATA, type Flags, KUBECONFIG, parseFlags } from "../command-line/flag.ts";
import { formatOf, outputFlag } from "../command-line/output.ts";
import { duration_ms, WrongUsage } from "../command-line/wrong-usage.ts";

/** What `troupe kubeconfig` was asked for. */
export interface KubeconfigFlags {
  /** The kubeconfig of whoever asks. */
  readonly kubeconfig: string;
  readonly who: Who;
  /** What the context, the cluster and the user are called. */
  readonly name: string | undefined;
  /** The namespace of whoever names none. */
  readonly namespace: string | undefined;
  readonly to: "print" | "merge" | { readonly file: string };
  readonly format: "yaml" | "json";
}

/** Whom the kubeconfig is for. */
export type Who =
  | { readonly is: "asker" }
  | { readonly is: "user"; readonly user: string; readonly groups: readonly string[]; readonly ttl_ms: number }
  | { readonly is: "account"; readonly namespace: string; readonly account: string; readonly ttl_ms: number }
  | { readonly is: "bearer"; readonly token: string };

const FLAGS = {
  user: { value: "NAME", help: "for this user, by a certificate that is signed now" },
  group: { value: "NAME", many: true, help: "a group of the user" },
  "service-account": { value: "[NAMESPACE/]NAME", help: "for this service account, by a token" },
  token: { value: "TOKEN", help: "for whoever the cluster knows by this token" },
  ttl: { value: "D", default: "24h", help: "how long the certificate or the token of a service account holds" },
  merge: { help: "into $KUBECONFIG or ~/.kube/config, beside what is there, and make it the current context" },
  file: { value: "FILE", help: "write it there (else it is printed)" },
  name: { value: "NAME", help: "what context, cluster and user are called (troupe, or troupe-USER)" },
  namespace: { short: "n", value: "NAMESPACE", help: "where kubectl looks when it is told no namespace" },
  kubeconfig: KUBECONFIG,
  data: DATA,
  output: outputFlag("yaml", "json"),
} as const;
export const KUBECONFIG_FLAGS: Flags = FLAGS;

/** Throws WrongUsage. */
export function parseKubeconfigFlags(args: readonly string[]): KubeconfigFlags {
  const values = parseFlags("kubeconfig", FLAGS, args);
  const { user, group, "service-account": account, token, merge, file } = values;
  if ([user, account, token].filter((each) => each !== undefined).length > 1)
    throw new WrongUsage("--user, --service-account and --token each say for whom; give one");
  if (group.length > 0 && user === undefined) throw new WrongUsage("--group is for --user");
  if (merge && file !== undefined) throw new WrongUsage("--merge and --file each say where to; give one");
  return {
    kubeconfig: values.kubeconfig ?? `${values.data || DATA.default}/kubeconfig`,
    who: whoOf(user, group, account, token, duration_ms("--ttl", values.ttl)),
    name: values.name,
    namespace: values.namespace,
    to: merge ? "merge" : file === undefined ? "print" : { file },
    format: formatOf(FLAGS.output, values.output),
  };
}

function whoOf(
  user: string | undefined,
  groups: readonly string[],
  account: string | undefined,
  token: string | undefined,
  ttl_ms: number,
): Who {
  if (user !== undefined) return { is: "user", user, groups, ttl_ms };
  if (token !== undefined) return { is: "bearer", token };
  if (account === undefined) return { is: "asker" };
  const [first = "", second, ...more] = account.split("/");
  if (first === "" || second === "" || more.length > 0)
    throw new WrongUsage(`--service-account ${account} is neither NAME nor NAMESPACE/NAME`);
  return second === undefined
    ? { is: "account", namespace: "default", account: first, ttl_ms }
    : { is: "account", namespace: first, account: second, ttl_ms };
}
