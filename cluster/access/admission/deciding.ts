import type { Access } from "../access.ts";

/** What admission needs to know of access. */
export type Deciding = Pick<Access, "authorizer" | "roles" | "newest">;
