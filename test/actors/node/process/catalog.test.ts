import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { catalogOf, defaultCatalog, entryFor, mergedCatalog, programNamed } from "../../../../actors/node/process/catalog.ts";

const catalog = catalogOf({
  images: { nginx: { command: ["a"] }, "nginx:1.27": { command: ["b"] }, "ghcr.io/x/nginx": { command: ["c"] } },
});

describe("the catalog", () => {
  test.each([
    ["nginx", "nginx"],
    ["nginx:1.26", "nginx"],
    ["nginx:1.27", "nginx:1.27"],
    ["docker.io/library/nginx:1.27@sha256:abc", "nginx:1.27"],
    ["index.docker.io/library/nginx", "nginx"],
    ["ghcr.io/x/nginx:2", "ghcr.io/x/nginx"],
    ["bitnami/nginx", undefined],
    ["localhost:5000/nginx", undefined],
  ])("%s is %s", (image, entry) => {
    expect(entryFor(catalog, image)?.name).toBe(entry);
  });

  test.each([
    [[], "it has no `images`"],
    [{ images: { a: [] } }, "images.a: must be a map"],
    [{ images: { a: { comand: [] } } }, "images.a.comand: unknown; the fields are entrypoint, command"],
    [{ images: { a: { command: "sh" } } }, "images.a.command: must be a list of texts"],
    [{ images: { a: { root: "here" } } }, "images.a.root: must be an absolute path"],
    [{ images: { a: { places: ["bin"] } } }, "images.a.places: must be absolute paths"],
    [{ images: { a: { stopSignal: "QUIT" } } }, 'images.a.stopSignal: "QUIT" is no signal such as SIGTERM'],
    [{ images: { a: { limits: ["nofile=1"] } } }, 'images.a.limits: "nofile=1" is no limit of ulimit'],
  ])("%j is refused in words", (document, words) => {
    expect(() => catalogOf(document)).toThrow(words);
  });

  test("has what the machine has the programs for, and what the user says goes first", () => {
    const own = catalogOf({ images: { busybox: { command: ["true"] }, far: { needs: "no-such-program" }, near: { needs: "sh" } } });
    const merged = mergedCatalog(defaultCatalog(), own);
    expect(entryFor(merged, "busybox:1.36")?.command).toEqual(["true"]);
    expect([...merged.keys()]).toEqual(expect.arrayContaining(["near", "registry.k8s.io/pause"]));
    expect(merged.has("far")).toBe(false);
  });

  test("finds programs outside of PATH where an entry says they may be, the newest of them", () => {
    const directory = mkdtempSync(join(tmpdir(), "troupe-catalog-"));
    for (const version of ["9", "10"]) {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, "of-test"), "", { mode: 0o755 });
    }
    const places = [join(directory, "*")];
    expect(programNamed("of-test", places)).toBe(join(directory, "10/of-test"));
    const own = catalogOf({
      images: { both: { needs: ["sh", "of-test"], places }, one: { needs: ["of-test", "no-such-program"], places } },
    });
    expect([...mergedCatalog(new Map(), own).keys()]).toEqual(["both"]);
    rmSync(directory, { recursive: true });
  });
});
