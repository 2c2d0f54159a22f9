/** The first port that everybody may listen on, unless the system says otherwise. */
const UNPRIVILEGED_PORT_FIRST = 1_024;

/** Why nobody listens there, and what to do about it. `code` is the system's. */
export function whyNotListening(port: number, code: string): string {
  switch (code) {
    case "EACCES":
      return port < UNPRIVILEGED_PORT_FIRST
        ? `ports below ${UNPRIVILEGED_PORT_FIRST} need rights; grant them with \`sysctl -w net.ipv4.ip_unprivileged_port_start=${port}\`, or run Troupe as root`
        : "the system forbids it";
    case "EADDRINUSE":
      return "somebody else listens there; stop them, or choose another port";
    case "EADDRNOTAVAIL":
      return "the address is none of this machine; use one of 127.0.0.0/8 or of its network interfaces";
    case "EMFILE":
    case "ENFILE":
      return "there are no file descriptors left; raise the limit (`ulimit -n`)";
    default:
      return `the system says ${code}`;
  }
}
