import type { Message } from "../actor.ts";
import { unpackFrame } from "../frame.ts";
import { faultText } from "./fault.ts";
import type { Happened } from "./happening.ts";

/** Longer texts within messages are cut: the trace is for people. */
const TEXT_CHARACTERS_MAX = 100;

/** One line for people; the same for the same happening, always. */
export function traceLine(happened: Happened): string {
  return `${(happened.at_ms / 1_000).toFixed(6).padStart(11)}  ${text(happened)}`;
}

function text(happened: Happened): string {
  switch (happened.what) {
    case "host begins":
    case "host leaves":
    case "host pauses":
    case "host goes on":
      return `${where(happened)} ${happened.what.slice("host ".length)}`;
    case "host ends":
      return `${where(happened)} ${happened.how}`;
    case "lease":
      return `${where(happened)} may begin turns until ${(happened.until_ms / 1_000).toFixed(6)}`;
    case "view":
      return `${where(happened)} goes by the members ${happened.members.join(" ")}`;
    case "fenced":
      return `${where(happened)} is fenced`;
    case "fault begins":
    case "fault ends":
      return `${happened.what}: ${faultText(happened.fault)}`;
    case "activated":
    case "activation failed":
    case "ended":
      return `${where(happened)} ${happened.address} (${happened.epoch}) ${happened.what}`;
    case "turn begins":
      return `${where(happened)} ${happened.address} (${happened.epoch}) takes ${messageText(happened.message)}`;
    case "turn ends":
      return `${where(happened)} ${happened.address} (${happened.epoch}) ${happened.crashed ? "crashed on" : "is done with"} ${messageText(happened.message)}`;
    case "told":
      return `${where(happened)} ${happened.from} tells ${happened.to} ${messageText(happened.message)}`;
    case "asked":
      return `${where(happened)} ${happened.from} asks ${happened.to} ${messageText(happened.message)} within ${happened.deadline_ms} ms`;
    case "answered":
      return `${where(happened)} has the answer of ${happened.to} to ${messageText(happened.message)}: ${printed(happened.value)}`;
    case "ask failed":
      return `${where(happened)} has no answer of ${happened.to} to ${messageText(happened.message)}: ${happened.code}`;
    case "dead letter":
      return `${where(happened)} dead letter to ${happened.to}, ${happened.reason}: ${messageText(happened.message)}`;
    case "frame arrives":
      return `${where(happened.to)} gets a frame from ${happened.from}: ${frameText(happened.bytes)}`;
    case "frame lost":
      return `frame from ${happened.from} to ${happened.to} lost, ${happened.why}: ${frameText(happened.bytes)}`;
    case "log":
      return `${where(happened)} logs ${happened.level}: ${happened.text} ${printed(happened.fields)}`;
    case "note":
      return `${where(happened)} ${happened.text} ${printed(happened.data)}`;
    default:
      return happened satisfies never;
  }
}

function where({ host, life }: { host: string; life: number }): string {
  return life === 1 ? host : `${host} (life ${life})`;
}

function messageText(message: Message | undefined): string {
  return printed(message) ?? "something";
}

function frameText(bytes: Uint8Array): string {
  const frame = unpackFrame(bytes);
  return typeof frame === "string" ? frame : printed(frame.envelopes);
}

function printed(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) => {
    if (inner instanceof Error) return inner.message;
    return typeof inner === "string" && inner.length > TEXT_CHARACTERS_MAX
      ? `${inner.slice(0, TEXT_CHARACTERS_MAX)}… (${inner.length})`
      : inner;
  });
}
