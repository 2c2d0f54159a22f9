/** What Go's client says of calls that fail, since that is what users read, and look for. */
import { OwnAddress } from "./own-address.ts";

interface SystemError extends Error {
  readonly code?: string;
  readonly hostname?: string;
  readonly reason?: string;
}

/** Why no answer came. `address` is `host:port`. */
export function failureWords(error: unknown, address: string, host: string): string {
  const { name, code = "", message, cause, reason } = (error ?? {}) as SystemError;
  if (error instanceof OwnAddress) return message;
  if (name === "TimeoutError" || name === "AbortError" || code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT") {
    return "context deadline exceeded";
  }
  switch (code) {
    case "ECONNREFUSED":
      return `dial tcp ${address}: connect: connection refused`;
    case "EHOSTUNREACH":
      return `dial tcp ${address}: connect: no route to host`;
    case "ENETUNREACH":
      return `dial tcp ${address}: connect: network is unreachable`;
    case "ETIMEDOUT":
    case "UND_ERR_CONNECT_TIMEOUT":
      return `dial tcp ${address}: i/o timeout`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `dial tcp: lookup ${host}: no such host`;
    case "ECONNRESET":
    case "EPIPE":
    case "UND_ERR_SOCKET":
      return cause === undefined ? "EOF" : failureWords(cause, address, host);
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `tls: failed to verify certificate: x509: certificate is not valid for the name: ${reason ?? message}`;
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "CERT_SIGNATURE_FAILURE":
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return "http: server gave HTTP response to HTTPS client";
    default:
      return message || String(error);
  }
}

/** What is said of an answer that is none. Source: apimachinery's NewGenericServerResponse. */
export function statusWords(code: number, body: string): string {
  switch (code) {
    case 401:
      return "the server has asked for the client to provide credentials";
    case 403:
      return body === "" ? "the server does not allow this request" : body;
    case 404:
      return "the server could not find the requested resource";
    case 405:
      return "the server does not allow this method on the requested resource";
    case 409:
      return "the server reported a conflict";
    case 413:
      return "the request is too large";
    case 429:
      return "the server has received too many requests and has asked us to try again later";
    case 503:
      return "the server is currently unable to handle the request";
    case 504:
      return "the server was unable to return a response in the time allotted, but may still be processing the request";
    default:
      return code >= 500
        ? `an error on the server (${JSON.stringify(body || "unknown")}) has prevented the request from succeeding`
        : "the server rejected our request for an unknown reason";
  }
}
