import { describe, expect, test } from "vitest";
import { certificateApprovalController } from "../../../../actors/controllers/certificates/certificate-approval.ts";
import { certificateCleaner } from "../../../../actors/controllers/certificates/certificate-cleaner.ts";
import { certificateSigningController } from "../../../../actors/controllers/certificates/certificate-signing.ts";
import type { CertificateContent, Certifier } from "../../../../actors/controllers/certificates/certificates.ts";
import { CertificateSigningRequestKind } from "../../../../actors/kinds/certificates/certificate-signing-request.ts";
import { START_MS, Transcript } from "../transcript.ts";

const KEY = "certificatesigningrequests.certificates.k8s.io/r";
const CLIENT_USAGES = ["digital signature", "key encipherment", "client auth"];
const NODE: CertificateContent = {
  commonName: "system:node:n",
  organizations: ["system:nodes"],
  dnsNames: [],
  ipAddresses: [],
  emails: [],
  uris: [],
};

function certifier(content: Partial<CertificateContent> | Error, may: readonly string[] = []): Certifier {
  return {
    read: async () => {
      if (content instanceof Error) throw content;
      return { ...NODE, ...content };
    },
    sign: async (_request, usages, seconds) => `signed for ${usages.length} usages and ${seconds} s`,
    mayHave: async (_request, subresource) => may.includes(subresource),
  };
}

const ago = (seconds: number): string => new Date(START_MS - seconds * 1_000).toISOString();
const condition = (type: string, reason = "ByHand", lastUpdateTime = ago(60)) => ({
  type,
  status: "True",
  reason,
  message: "",
  lastUpdateTime,
});

function request(spec: object = {}, status: object = {}, metadata: object = {}): object {
  const wanted = {
    signerName: "kubernetes.io/kube-apiserver-client-kubelet",
    username: "system:bootstrap:abcdef",
    usages: CLIENT_USAGES,
    request: "r",
  };
  return { metadata: { name: "r", ...metadata }, spec: { ...wanted, ...spec }, status };
}

describe("approval", () => {
  const approved = (who: string): readonly string[] => [
    `modify CertificateSigningRequest/r ${JSON.stringify({ status: { conditions: [{ type: "Approved", status: "True", reason: "AutoApproved", message: `Auto approving ${who}kubelet client certificate after SubjectAccessReview.` }] } })}`,
  ];

  test.each([
    ["a new node whose requester may", request(), {}, ["nodeclient"], approved("")],
    ["a node for itself", request({ username: "system:node:n" }), {}, ["selfnodeclient"], approved("self ")],
    ["a node for another", request({ username: "system:node:m" }), {}, ["selfnodeclient"], []],
    ["who may not", request(), {}, [], []],
    ["another signer", request({ signerName: "kubernetes.io/kube-apiserver-client" }), {}, ["nodeclient"], []],
    ["what is approved already", request({}, { conditions: [condition("Approved")] }), {}, ["nodeclient"], []],
    ["what is denied", request({}, { conditions: [condition("Denied")] }), {}, ["nodeclient"], []],
    ["another organization", request(), { organizations: ["system:masters"] }, ["nodeclient"], []],
    ["one organization more", request(), { organizations: ["system:nodes", "x"] }, ["nodeclient"], []],
    ["names of hosts", request(), { dnsNames: ["n.example.com"] }, ["nodeclient"], []],
    ["a name that is no node's", request(), { commonName: "n" }, ["nodeclient"], []],
    ["other usages", request({ usages: [...CLIENT_USAGES, "server auth"] }), {}, ["nodeclient"], []],
    ["usages of a key that enciphers nothing", request({ usages: ["digital signature", "client auth"] }), {}, ["nodeclient"], approved("")],
    ["what cannot be read", request(), new Error("no PEM"), ["nodeclient"], []],
  ])("%s", async (_what, object, content, may, expected) => {
    const transcript = new Transcript(certificateApprovalController(certifier(content, may))).put(CertificateSigningRequestKind, object);
    expect(await transcript.lookAndWork(KEY)).toEqual(expected);
  });
});

describe("signing", () => {
  const signed = (text: string): readonly string[] => [
    `modify CertificateSigningRequest/r ${JSON.stringify({ status: { certificate: Buffer.from(text).toString("base64") } })}`,
  ];
  const failed = (message: string): readonly string[] => [
    expect.stringContaining(`{"type":"Failed","status":"True","reason":"SignerValidationFailure","message":${JSON.stringify(message)}}`),
  ];
  const approved = { conditions: [condition("Approved")] };
  const client = { signerName: "kubernetes.io/kube-apiserver-client" };
  const year = "signed for 3 usages and 31536000 s";

  test.each([
    ["what is approved", request({}, approved), {}, signed(year)],
    [
      "for as long as is asked, but no longer than a year",
      request({ expirationSeconds: 3_600 }, approved),
      {},
      signed("signed for 3 usages and 3600 s"),
    ],
    ["for no longer than a year", request({ expirationSeconds: 99_999_999 }, approved), {}, signed(year)],
    ["not what is not approved", request(), {}, []],
    ["not what is approved and denied", request({}, { conditions: [condition("Approved"), condition("Denied")] }), {}, []],
    ["not what has failed", request({}, { conditions: [condition("Approved"), condition("Failed")] }), {}, []],
    ["not twice", request({}, { ...approved, certificate: "x" }), {}, []],
    ["not for other signers", request({ signerName: "example.com/signer" }, approved), {}, []],
    ["a person's approval a moment later", request({}, { conditions: [condition("Approved", "ByHand", ago(0))] }), {}, ["requeue 2000"]],
    ["an automatic one at once", request({}, { conditions: [condition("Approved", "AutoApproved", ago(0))] }), {}, signed(year)],
    [
      "a kubelet's that does not fit fails",
      request({}, approved),
      { organizations: [] },
      failed("subject organization is not system:nodes"),
    ],
    ["any client's", request(client, approved), { organizations: ["team"], commonName: "jane" }, signed(year)],
    [
      "a client's without the usage of one fails",
      request({ ...client, usages: ["digital signature"] }, approved),
      {},
      failed('usages did not include ["client auth"]'),
    ],
    ["what cannot be read fails", request({}, approved), new Error("no PEM"), failed('unable to parse csr "r": no PEM')],
    [
      "a server's",
      request({ signerName: "kubernetes.io/kubelet-serving", usages: ["digital signature", "key encipherment", "server auth"] }, approved),
      { dnsNames: ["n"] },
      signed(year),
    ],
    [
      "a server's without any name of a host fails",
      request({ signerName: "kubernetes.io/kubelet-serving", usages: ["digital signature", "key encipherment", "server auth"] }, approved),
      {},
      failed("DNS or IP subjectAltName is required"),
    ],
  ])("%s", async (_what, object, content, expected) => {
    const transcript = new Transcript(certificateSigningController(certifier(content))).put(CertificateSigningRequestKind, object);
    expect(await transcript.lookAndWork(KEY)).toEqual(expected);
  });
});

describe("cleaning", () => {
  /** Good for the first day of 2025. */
  const DER =
    "MIH+MIGmAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAW4wHhcNMjUwMTAxMDAwMDAwWhcNMjUwMTAyMDAwMDAwWjAMMQowCAYDVQQDDAFuMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEkymghJcTJMsE21XGJ1xaXdTnTJaVZjF2Dvo8nSr1lnu4lBB0iJWepKWxn2FR29rSjkNWANTP5ZQLP87/P2+3IzAKBggqhkjOPQQDAgNHADBEAiACNVt6lF5lr5RDCE8mxswdvWoMkk45s14GDD0YXkD23wIgPr9ctd2C2osvun6p5hZvQ6Z+eT15AhhnZ6ct0jR6F6Y=";
  const EXPIRED = Buffer.from(`-----BEGIN CERTIFICATE-----\n${DER}\n-----END CERTIFICATE-----\n`).toString("base64");
  const HOUR_S = 3_600;
  const born = (seconds: number) => ({ creationTimestamp: ago(seconds) });

  test.each([
    ["a fresh one that nobody has looked at", request({}, {}, born(HOUR_S)), false],
    ["one that nobody has looked at for a day", request({}, {}, born(25 * HOUR_S)), true],
    [
      "one that was approved just now, though it is old",
      request({}, { conditions: [condition("Approved", "x", ago(60))] }, born(30 * HOUR_S)),
      false,
    ],
    [
      "one that was issued over an hour ago",
      request({}, { conditions: [condition("Approved", "x", ago(HOUR_S + 60))], certificate: "eA==" }, born(2 * HOUR_S)),
      true,
    ],
    [
      "one that was approved over an hour ago, and is not issued",
      request({}, { conditions: [condition("Approved", "x", ago(HOUR_S + 60))] }, born(30 * HOUR_S)),
      false,
    ],
    [
      "one that was issued just now, and whose certificate is out of date",
      request({}, { conditions: [condition("Approved", "x", ago(60))], certificate: EXPIRED }, born(2 * HOUR_S)),
      true,
    ],
    [
      "one that was denied over an hour ago",
      request({}, { conditions: [condition("Denied", "x", ago(HOUR_S + 60))] }, born(2 * HOUR_S)),
      true,
    ],
    ["one that failed over an hour ago", request({}, { conditions: [condition("Failed", "x", ago(HOUR_S + 60))] }, born(2 * HOUR_S)), true],
  ])("%s", (_what, object, goes) => {
    const transcript = new Transcript(certificateCleaner).put(CertificateSigningRequestKind, object);
    expect(transcript.decide()).toEqual(goes ? ["delete CertificateSigningRequest/r"] : []);
  });
});
