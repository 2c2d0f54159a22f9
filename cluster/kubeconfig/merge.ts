import { type Document, isMap, isSeq } from "yaml";
import { BootFailure } from "../boot/failure.ts";

/** A way into a cluster: what a kubeconfig has of it in its three lists. */
export interface Access {
  /** What all three are called. */
  readonly context: string;
  readonly cluster: Readonly<Record<string, string | boolean>>;
  readonly user: Readonly<Record<string, string>>;
  readonly namespace: string | undefined;
}

/** Puts an access into a kubeconfig, in place of what has its name there, and makes it the current one. All else stays as it is written, comments too. Throws BootFailure. */
export function mergeInto(document: Document, { context, cluster, user, namespace }: Access): void {
  put(document, "clusters", { name: context, cluster });
  put(document, "users", { name: context, user });
  put(document, "contexts", {
    name: context,
    context: { cluster: context, user: context, ...(namespace === undefined ? {} : { namespace }) },
  });
  document.set("current-context", context);
}

function put(document: Document, list: string, entry: Readonly<Record<string, unknown>> & { readonly name: string }): void {
  const there = document.get(list);
  // kubectl writes an empty list as null.
  if (there === undefined || there === null) {
    document.set(list, document.createNode([entry]));
    return;
  }
  if (!isSeq(there)) throw new BootFailure(`the kubeconfig's ${list} are no list, so it was left alone`);
  const index = there.items.findIndex((item) => isMap(item) && item.get("name") === entry.name);
  // An empty one is written [], in which nobody wants to read certificates.
  if (there.items.length === 0) there.flow = false;
  if (index < 0) there.add(document.createNode(entry));
  else there.set(index, document.createNode(entry));
}
