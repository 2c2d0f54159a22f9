import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { AuditLog, type AuditLogSettings } from "../../../cluster/audit/log.ts";
import { silentLogger } from "../../../runtime/mod.ts";

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function settings(more: Partial<AuditLogSettings> = {}): AuditLogSettings & { readonly directory: string } {
  const directory = mkdtempSync(join(tmpdir(), "troupe-audit-"));
  directories.push(directory);
  return { directory, path: join(directory, "audit.log"), maxAge_days: 0, maxBackups: 0, maxSize_MB: 100, ...more };
}

const KB = "x".repeat(1_000);

async function write(log: AuditLog, records: number): Promise<void> {
  for (let i = 0; i < records; i++) {
    log.write({ i, KB });
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

test("records are lines of JSON, for the owner's eyes, and go on where an earlier start ended", async () => {
  const { path, ...rest } = settings();
  for (const i of [1, 2]) {
    const log = await AuditLog.open({ path, ...rest }, silentLogger);
    log.write({ i });
    await log.close();
  }
  expect(readFileSync(path, "utf8")).toBe('{"i":1}\n{"i":2}\n');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a file that is full gives way to another; only so many are kept, and none that is too old", async () => {
  const { directory, ...rest } = settings({ maxSize_MB: 1, maxBackups: 2, maxAge_days: 1 });
  const old = join(directory, "audit-2020-01-01T00-00-00.000.log");
  writeFileSync(old, "");
  utimesSync(old, 0, 0);
  const log = await AuditLog.open(rest, silentLogger);
  await write(log, 5_000);
  await log.close();
  const kept = (): readonly string[] => readdirSync(directory).filter((name) => /^audit(-.*)?\.log$/.test(name));
  await expect.poll(() => kept().length).toBe(3);
  expect(kept()).not.toContain("audit-2020-01-01T00-00-00.000.log");
  for (const name of kept()) {
    const lines = readFileSync(join(directory, name), "utf8").trim().split("\n");
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  }
});

test("a place that cannot be written stops the start, and is named", async () => {
  const { directory, ...rest } = settings();
  writeFileSync(join(directory, "file"), "");
  await expect(AuditLog.open({ ...rest, path: join(directory, "file/audit.log") }, silentLogger)).rejects.toThrow(
    /cannot write --audit-log-path .*file\/audit\.log/,
  );
});
