/** What is sent to a range goes by way of an address. */
export interface Route {
  readonly to: string;
  readonly via: string;
}

/** Where a machine is in the network of a cluster's pods. Ranges are IPv4. */
export interface NetworkPlace {
  /** What pods of the cluster have their addresses from: there they are known by these, and nothing outside of it is ever sent to another machine because a Node says so. */
  readonly ranges: readonly string[];
  /** Of the pods of this machine; undefined: the cluster has not given it one yet. */
  pods(): string | undefined;
  /** What is the machine's own without being an address of an interface. */
  readonly own: readonly string[];
  /** Of its nodes, which have no interface either. */
  readonly nodes: readonly string[];
  /** To what is behind a machine that is no Node with a range: the cluster's own. */
  readonly routes: readonly Route[];
}
