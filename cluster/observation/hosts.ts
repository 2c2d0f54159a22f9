import {
  AskFailed,
  type Directory,
  HOST_KIND,
  type HostMessage,
  type HostReport,
  type HostSnapshot,
  hostAddress,
  type Messenger,
  type SnapshotOptions,
} from "../../runtime/mod.ts";

/** A host that has not answered by then is shown as one that does not; people and scrapers wait for the others. */
export const HOST_ANSWER_MS = 1_000;

/** What one host said, or why it did not. */
export type HostAnswer<Said> = { readonly host: string; readonly said: Said } | { readonly host: string; readonly failure: string };

/** All hosts of the cluster, as any of them can ask them. Answers come in the order of the hosts' names. */
export interface Hosts {
  reports(): Promise<readonly HostAnswer<HostReport>[]>;
  snapshots(options: SnapshotOptions): Promise<readonly HostAnswer<HostSnapshot>[]>;
}

/** The hosts that are members of the cluster at the moment of a question. */
export function observedHosts(messenger: Messenger, directory: Pick<Directory, "members">): Hosts {
  async function ask<Said>(host: string, message: HostMessage): Promise<HostAnswer<Said>> {
    try {
      return { host, said: await messenger.ask<Said>(hostAddress(host), message, { deadline_ms: HOST_ANSWER_MS }) };
    } catch (error) {
      if (!(error instanceof AskFailed)) throw error;
      return { host, failure: error.message };
    }
  }
  const all = <Said>(message: HostMessage): Promise<readonly HostAnswer<Said>[]> =>
    Promise.all(
      directory.members
        .filter(({ kinds }) => kinds.includes(HOST_KIND))
        .map(({ host }) => host)
        .sort()
        .map((host) => ask<Said>(host, message)),
    );
  return {
    reports: () => all({ type: "report" }),
    snapshots: (options) => all({ type: "snapshot", options }),
  };
}
