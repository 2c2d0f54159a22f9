/** The formats of texts that are checked; others are only words. Source: apiextensions-apiserver's pkg/apiserver/validation/formats.go, and k8s.io/kube-openapi/pkg/validation/strfmt. */
import { isIP, isIPv4, isIPv6 } from "node:net";
import { dnsLabel, dnsSubdomain } from "../names.ts";

const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
const GO_DURATION = /^[+-]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*)$/;
const WORD_DURATION =
  /^\s*(\d+(\.\d+)?\s*(ns|us|µs|ms|s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours|d|day|days|w|wk|week|weeks)\s*)+$/;
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const HOSTNAME =
  /^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$/u;
const EMAIL = /^[^\s@<>]+@[^\s@<>]+$/;
const MAC = /^([0-9a-f]{2}[:-]){5}([0-9a-f]{2}[:-]){0,2}[0-9a-f]{2}$|^([0-9a-f]{4}\.){2}[0-9a-f]{4}$/i;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function isUuid(version: string): (value: string) => boolean {
  return (value) => UUID.test(value) && value.replaceAll("-", "")[12] === version;
}

function isCidr(value: string): boolean {
  const [address = "", bits = "", ...more] = value.split("/");
  const family = isIP(address);
  return more.length === 0 && family > 0 && /^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

function isDate(value: string): boolean {
  return DATE.test(value) && !Number.isNaN(Date.parse(value));
}

function isUri(value: string): boolean {
  return URL.canParse(value) || (value.startsWith("/") && URL.canParse(value, "http://localhost"));
}

const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {
  date: isDate,
  "date-time": (value) => DATE_TIME.test(value) && !Number.isNaN(Date.parse(value)),
  datetime: (value) => DATE_TIME.test(value) && !Number.isNaN(Date.parse(value)),
  duration: (value) => GO_DURATION.test(value) || WORD_DURATION.test(value),
  uuid: (value) => UUID.test(value),
  uuid3: isUuid("3"),
  uuid4: isUuid("4"),
  uuid5: isUuid("5"),
  hostname: (value) => HOSTNAME.test(value),
  email: (value) => EMAIL.test(value),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: (value) => MAC.test(value),
  uri: isUri,
  byte: (value) => BASE64.test(value) && value.length % 4 === 0,
  hexcolor: (value) => /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(value),
  bsonobjectid: (value) => /^[0-9a-fA-F]{24}$/.test(value),
  "k8s-short-name": (value) => dnsLabel(value).length === 0,
  "k8s-long-name": (value) => dnsSubdomain(value).length === 0,
};

/** Whether the text has the format; every text has a format that nobody knows. */
export function hasFormat(format: string, value: string): boolean {
  return FORMATS[format]?.(value) ?? true;
}
