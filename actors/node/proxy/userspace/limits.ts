/** Connections through the proxy at once; one more is refused. Each takes two sockets. */
export const CONNECTIONS_MAX = 8_192;
/** Targets that are tried for one client before it is told that nobody answers. */
export const TARGETS_TRIED_MAX = 5;
/** A target on this machine or near it answers in this time or is taken for dead. */
export const CONNECT_MS = 1_000;
/** Connections that the system keeps for us until they are taken. */
export const BACKLOG = 511;
/** UDP: clients that are served at once; the one silent for longest makes room. */
export const FLOWS_MAX = 4_096;
/** A UDP client that is silent for so long is forgotten. Source: nf_conntrack_udp_timeout and its _stream, of 30 and 120 seconds. */
export const FLOW_IDLE_MS = 60_000;
/** Datagrams of one client that wait for their target's socket. */
export const FLOW_WAITING_MAX = 16;
