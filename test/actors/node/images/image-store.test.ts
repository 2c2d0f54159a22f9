import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Header } from "tar-stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fullName, ImageStore } from "../../../../actors/node/images/image-store.ts";
import { digestOf, layout, type Member, tar } from "./oci-layout.ts";

let directory: string;
let images: string;
const store = (): ImageStore => new ImageStore(images, join(directory, "unpacked"));
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "troupe-images-"));
  images = join(directory, "images");
  mkdirSync(images);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const file = (name: string, text: string, more: Partial<Header> = {}): Member => ({ name, text, type: "file", mode: 0o644, ...more });

describe("images", () => {
  test("of an OCI layout have what their configuration says, and their layers one over the other", async () => {
    const layers = [
      [file("etc/kept", "kept"), file("etc/gone", "gone"), file("old/a", "a"), file("old/b", "b"), file("changed", "before")],
      [
        file("etc/.wh.gone", ""),
        file("old/.wh..wh..opq", ""),
        file("old/new", "new"),
        file("changed", "after", { mode: 0o4755, uid: 7, gid: 8 }),
        { name: "link", type: "symlink" as const, linkname: "/etc" },
        { name: "hard", type: "link" as const, linkname: "changed" },
      ],
    ];
    const digest = await layout("example.com/app:1", join(images, "app"), layers, { platform: { os: "windows", architecture: "amd64" } });
    const found = await store().find("example.com/app:1");
    expect(found).toMatchObject({
      id: digest,
      entry: {
        entrypoint: ["/bin/app"],
        command: ["-x"],
        env: { PATH: "/bin", A: "b=c" },
        workingDir: "/srv",
        user: "7:8",
        stopSignal: "SIGQUIT",
      },
    });
    const root = found?.entry.root ?? "";
    expect(readdirSync(root).sort()).toEqual(["changed", "etc", "hard", "link", "old"]);
    expect([readdirSync(join(root, "etc")), readdirSync(join(root, "old"))]).toEqual([["kept"], ["new"]]);
    expect([readFileSync(join(root, "hard"), "utf8"), readlinkSync(join(root, "link"))]).toEqual(["after", "/etc"]);
    if (process.getuid?.() !== 0) return;
    const { mode, uid, gid } = statSync(join(root, "changed"));
    expect([mode & 0o7777, uid, gid]).toEqual([0o4755, 7, 8]);
  });

  test("of an archive are the same, and of one that docker save has written", async () => {
    const digest = await layout("latest", join(directory, "app"), [[file("a", "a")]]);
    const members = readdirSync(join(directory, "app"), { recursive: true, encoding: "utf8" }).filter((name) =>
      lstatSync(join(directory, "app", name)).isFile(),
    );
    const archive = await tar(members.map((name) => ({ name, text: readFileSync(join(directory, "app", name), "latin1") })));
    writeFileSync(join(images, "app.tar"), archive);
    // A name that is only a tag is the layout's own.
    expect((await store().find("app"))?.id).toBe(digest);
    const config = JSON.stringify({ config: { Cmd: ["sh"] } });
    const layer = (await tar([file("b", "b")])).toString("latin1");
    const manifest = JSON.stringify([{ Config: "c.json", RepoTags: ["registry.local:5000/saved:2"], Layers: ["l/layer.tar"] }]);
    writeFileSync(
      join(images, "saved.tgz"),
      gzipSync(await tar([file("manifest.json", manifest), file("c.json", config), file("l/layer.tar", layer)])),
    );
    const saved = await store().find("registry.local:5000/saved:2");
    expect(saved).toMatchObject({ id: `sha256:${digestOf(Buffer.from(config))}`, entry: { command: ["sh"], env: {} } });
    expect(readFileSync(join(saved?.entry.root ?? "", "b"), "utf8")).toBe("b");
    expect(await store().find("registry.local:5000/saved:3")).toBeUndefined();
  });

  test("that would write outside of themselves, or are damaged, are refused, and nothing of them stays", async () => {
    const outside = join(directory, "outside");
    mkdirSync(outside);
    await layout("up:1", join(images, "up"), [[file("../../../../outside/file", "x")]]);
    await expect(store().find("up:1")).rejects.toThrow('the layer has the path "../../../../outside/file"');
    const links = [[{ name: "out", type: "symlink" as const, linkname: outside }], [file("out/file", "x")], [file("out/.wh.file", "")]];
    await layout("links:1", join(images, "links"), links);
    const root = (await store().find("links:1"))?.entry.root ?? "";
    // The link is one of the image's own root, in which there is nothing at its end but what the image has put there.
    expect([readdirSync(outside), existsSync(join(root, outside))]).toEqual([[], true]);
    await layout("hurt:1", join(images, "hurt"), [[file("a", "a")]]);
    const manifest = readdirSync(join(images, "hurt/blobs/sha256")).map((name) => join(images, "hurt/blobs/sha256", name));
    const layer = manifest.find((path) => statSync(path).size >= 1_024) ?? "";
    writeFileSync(layer, Buffer.concat([readFileSync(layer), Buffer.alloc(512)]));
    await expect(store().find("hurt:1")).rejects.toThrow("it is damaged");
    expect(readdirSync(join(directory, "unpacked")).filter((name) => name.includes("draft"))).toEqual([]);
  });
});

test.each([
  ["nginx", "docker.io/library/nginx:latest"],
  ["nginx:1.27", "docker.io/library/nginx:1.27"],
  ["team/app", "docker.io/team/app:latest"],
  ["localhost/app:1", "localhost/app:1"],
  ["registry:5000/app", "registry:5000/app:latest"],
  ["example.com/a/b@sha256:12", "example.com/a/b@sha256:12"],
])("the full name of %s", (name, full) => expect(fullName(name)).toBe(full));
