/** Probes and lifecycle hooks. Source: validateProbe, validateHandler of pkg/apis/core/validation. */
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import type { ExecAction, GRPCAction, HTTPGetAction, Lifecycle, Probe, SleepAction, TCPSocketAction } from "../generated/types.ts";
import { portName, portNumber, regexWords } from "../names.ts";
import type { FieldError } from "../status.ts";

interface Handler {
  readonly exec?: ExecAction;
  readonly httpGet?: HTTPGetAction;
  readonly tcpSocket?: TCPSocketAction;
  readonly grpc?: GRPCAction;
  readonly sleep?: SleepAction;
}

const HTTP_HEADER = "[-A-Za-z0-9]+";

function validatePort(port: number | string, field: string): FieldError[] {
  const wrong = typeof port === "number" ? portNumber(port) : portName(port);
  return wrong.map((message) => invalid(field, port, message));
}

function validateHttpGet(action: HTTPGetAction, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!action.path) errors.push(required(`${field}.path`));
  errors.push(...validatePort(action.port ?? 0, `${field}.port`));
  if (action.scheme !== "HTTP" && action.scheme !== "HTTPS")
    errors.push(notSupported(`${field}.scheme`, action.scheme ?? "", ["HTTP", "HTTPS"]));
  for (const header of action.httpHeaders ?? []) {
    if (/^[-A-Za-z0-9]+$/.test(header.name)) continue;
    const words = regexWords("a valid HTTP header must consist of alphanumeric characters or '-'", HTTP_HEADER, "X-Header-Name");
    errors.push(invalid(`${field}.httpHeaders`, header.name, words));
  }
  return errors;
}

/** Exactly one thing to do. */
function validateHandler(handler: Handler, grace_s: number, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let found = false;
  const one = (name: keyof Handler, check: () => FieldError[]): void => {
    if (handler[name] === undefined) return;
    if (found) errors.push(forbidden(`${field}.${name}`, "may not specify more than 1 handler type"));
    else errors.push(...check());
    found = true;
  };
  one("exec", () => ((handler.exec?.command?.length ?? 0) === 0 ? [required(`${field}.exec.command`)] : []));
  one("httpGet", () => (handler.httpGet === undefined ? [] : validateHttpGet(handler.httpGet, `${field}.httpGet`)));
  one("tcpSocket", () => validatePort(handler.tcpSocket?.port ?? 0, `${field}.tcpSocket.port`));
  one("grpc", () => validatePort(handler.grpc?.port ?? 0, `${field}.grpc.port`));
  one("sleep", () => {
    const seconds = handler.sleep?.seconds ?? 0;
    if (seconds >= 0 && seconds <= grace_s) return [];
    return [invalid(`${field}.sleep`, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${grace_s})`)];
  });
  if (!found) errors.push(required(field, "must specify a handler type"));
  return errors;
}

/** `single` probes, of liveness and start-up, succeed at once. */
export function validateProbe(probe: Probe | undefined, single: boolean, grace_s: number, field: string): FieldError[] {
  if (probe === undefined) return [];
  const errors = validateHandler(probe, grace_s, field);
  for (const name of ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] as const) {
    const value = probe[name] ?? 0;
    if (value < 0) errors.push(invalid(`${field}.${name}`, value, "must be greater than or equal to 0"));
  }
  const own = probe.terminationGracePeriodSeconds;
  if (own !== undefined && own <= 0) {
    errors.push(invalid(`${field}.terminationGracePeriodSeconds`, own, "must be greater than 0"));
  }
  if (single && probe.successThreshold !== undefined && probe.successThreshold !== 1) {
    errors.push(invalid(`${field}.successThreshold`, probe.successThreshold, "must be 1"));
  }
  if (!single && own !== undefined) {
    errors.push(invalid(`${field}.terminationGracePeriodSeconds`, own, "must not be set for readinessProbes"));
  }
  return errors;
}

export function validateLifecycle(lifecycle: Lifecycle | undefined, grace_s: number, field: string): FieldError[] {
  if (lifecycle === undefined) return [];
  const errors: FieldError[] = [];
  if (lifecycle.postStart !== undefined) errors.push(...validateHandler(lifecycle.postStart, grace_s, `${field}.postStart`));
  if (lifecycle.preStop !== undefined) errors.push(...validateHandler(lifecycle.preStop, grace_s, `${field}.preStop`));
  return errors;
}
