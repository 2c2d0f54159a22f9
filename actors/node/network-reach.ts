import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect as http2Connect } from "node:http2";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { HttpAnswer, HttpCall, Reach } from "./reach.ts";

/** So much of an answer is read. Source: kubelet's maxRespBodyLength. */
const BODY_BYTES_MAX = 10_240;
/** Source: grpc.health.v1.HealthCheckResponse.ServingStatus. */
const SERVING_STATUS = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const GRPC_UNIMPLEMENTED = "12";
const GRPC_HEAD_BYTES = 5;

/** By the machine's own network. */
export const networkReach: Reach = { http, tcp, grpcHealth };

function http({ url, headers, timeout_ms }: HttpCall): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`Get ${JSON.stringify(url.href)}: ${why}`));
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    // Whose certificate it is nobody asks: it is the container that is looked at.
    const request = send(url, { headers, agent: false, rejectUnauthorized: false }, (response) => {
      bodyOf(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, body, location: response.headers.location }),
        (error: Error) => fail(error.message),
      );
    });
    const timer = setTimeout(() => {
      fail("context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
      request.destroy();
    }, timeout_ms);
    request.once("error", (error: NodeJS.ErrnoException) => fail(goWords(error)));
    request.once("close", () => clearTimeout(timer));
    request.end();
  });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= BODY_BYTES_MAX) break;
  }
  response.destroy();
  return Buffer.concat(parts).subarray(0, BODY_BYTES_MAX).toString();
}

function tcp(host: string, port: number, timeout_ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    const end = (error?: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const timer = setTimeout(() => end(new Error(`dial tcp ${host}:${port}: i/o timeout`)), timeout_ms);
    socket.once("connect", () => end());
    socket.once("error", (error: NodeJS.ErrnoException) =>
      end(new Error(goWords({ ...error, address: host, port, message: error.message }))),
    );
  });
}

/** Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md; the messages are one field each. */
function grpcHealth(host: string, port: number, service: string, timeout_ms: number): Promise<string> {
  const at = `${host}:${port}`;
  return new Promise((resolve, reject) => {
    const session = http2Connect(`http://${host.includes(":") ? `[${host}]` : host}:${port}`);
    const end = (outcome: string | Error): void => {
      clearTimeout(timer);
      session.destroy();
      if (typeof outcome === "string") resolve(outcome);
      else reject(outcome);
    };
    const timer = setTimeout(() => end(new Error(`timeout: health rpc did not complete within ${timeout_ms / 1_000}s`)), timeout_ms);
    session.once("error", (error: NodeJS.ErrnoException) =>
      end(new Error(`error: failed to connect service at ${JSON.stringify(at)}: ${goWords(error)}`)),
    );
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": "kube-probe/1.34",
    });
    let status = "0";
    const noteStatus = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers["grpc-status"] !== undefined) status = String(headers["grpc-status"]);
    };
    const parts: Buffer[] = [];
    stream.on("response", noteStatus).on("trailers", noteStatus);
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.once("error", (error) => end(new Error(`error: health rpc probe failed: ${error.message}`)));
    stream.once("end", () => {
      if (status === GRPC_UNIMPLEMENTED)
        return end(new Error("error: this server does not implement the grpc health protocol (grpc.health.v1.Health)"));
      if (status !== "0") return end(new Error(`error: health rpc probe failed: rpc error: code = ${status}`));
      // The one field of the answer, an enumeration; left out, it is the first of them.
      const [, serving = 0] = Buffer.concat(parts).subarray(GRPC_HEAD_BYTES);
      end(SERVING_STATUS[serving] ?? "UNKNOWN");
    });
    stream.end(healthCheckRequest(service));
  });
}

function healthCheckRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const length = name.length < 128 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7];
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...length]), name]);
  const head = Buffer.alloc(GRPC_HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

interface SystemError {
  readonly code?: string | undefined;
  readonly message: string;
  readonly address?: string;
  readonly port?: number;
}

function goWords({ code, message, address, port }: SystemError): string {
  if (code !== "ECONNREFUSED" || address === undefined) return code === "ECONNRESET" ? "EOF" : message;
  return `dial tcp ${address}:${port}: connect: connection refused`;
}
