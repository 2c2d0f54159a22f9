import type { ObjectText } from "../../actors/kinds/text.ts";
import { BatchBuilder } from "../../actors/store/batch-builder.ts";
import { ANSWER, ASK, FAILURE, TELL } from "../../runtime/envelope.ts";
import { packFrame } from "../../runtime/frame.ts";

const BYTES_PER_LINE = 32;

/** The bytes of one frame and one batch: a change of a binary form that no constant and no comment tells of changes these. */
export function samples(): string[] {
  const frame = packFrame(
    {
      from: "front",
      incarnation: 7,
      view: 9,
      life: 1_234_567,
      position: 70_000,
      wants: 1,
      heardLife: 7_654_321,
      heard: 90_000,
      heardFor: 2,
    },
    [
      [TELL, "node/n1", { type: "podGone", key: "pods/default/a" } as { type: string }],
      [ASK, "writer/main", { type: "committedRevision" }, 7],
      [ANSWER, 8, { committed: true, revision: 9 }],
      [FAILURE, 10, "busy", "try again"],
    ],
  );
  const builder = new BatchBuilder(Number.MAX_SAFE_INTEGER);
  builder.begin(41);
  const text = '{"kind":"Pod"}' as ObjectText;
  builder.add(
    {
      request: "r.1",
      mutations: [
        { op: "create", key: "pods/default/a", text },
        { op: "update", key: "pods/default/b", text, expect: 3 },
        { op: "delete", key: "nodes/n", expect: 5 },
      ],
    },
    Number.MAX_SAFE_INTEGER,
  );
  return [sample("a frame", frame ?? new Uint8Array()), sample("a batch", builder.finish().bytes)];
}

function sample(title: string, bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return [`### ${title}, ${bytes.length} bytes`, ...(hex.match(new RegExp(`.{1,${BYTES_PER_LINE * 2}}`, "g")) ?? [])].join("\n");
}
