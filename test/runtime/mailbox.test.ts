import fc from "fast-check";
import { expect, test } from "vitest";
import type { Message } from "../../runtime/actor.ts";
import { NOBODY } from "../../runtime/asks.ts";
import { Mailbox } from "../../runtime/mailbox.ts";

test("a mailbox is a queue, whatever the order of pushes and drops", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -40, max: 60 }), { maxLength: 60 }), (steps) => {
      const mailbox = new Mailbox();
      const model: Message[] = [];
      let made = 0;
      for (const step of steps) {
        for (let left = step; left > 0; left--) {
          const message = { type: `m${made++}` };
          mailbox.push(message, NOBODY);
          model.push(message);
        }
        for (let left = -step; left > 0 && model.length > 0; left--) {
          expect(mailbox.headMessage).toBe(model.shift());
          expect(mailbox.headSender).toBe(NOBODY);
          mailbox.drop();
        }
        expect(mailbox.size).toBe(model.length);
      }
      const drained: Message[] = [];
      mailbox.drain((message) => void drained.push(message));
      expect(drained).toEqual(model);
      expect(mailbox.headMessage).toBeUndefined();
    }),
  );
});
