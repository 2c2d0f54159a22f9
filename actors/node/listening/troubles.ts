import type { Logger } from "../../../runtime/mod.ts";
import type { EventRecorder } from "../../registry/event-recorder.ts";

/** The first port that everybody may listen on, unless the system says otherwise. */
const UNPRIVILEGED_PORT_FIRST = 1_024;

export interface NotListening {
  /** `the nameserver cannot listen at 127.96.0.10:53` */
  readonly what: string;
  readonly port: number;
  /** The system's. */
  readonly code: string;
  /** `trying again` */
  readonly meanwhile: string;
}

/** Says in the log, and by an Event on the object whose port it is, where that is there, why nobody listens and what to do about it. */
export function tellNotListening(
  { log, recorder }: { readonly log: Logger; readonly recorder: Pick<EventRecorder, "event"> },
  object: Parameters<EventRecorder["event"]>[0] | undefined,
  { what, port, code, meanwhile }: NotListening,
): void {
  const message = `${what}: ${whyNotListening(port, code)}; ${meanwhile}`;
  log.warn({ port, code }, message);
  if (object !== undefined) recorder.event(object, "Warning", "FailedToListen", message);
}

function whyNotListening(port: number, code: string): string {
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
