import { constants } from "node:zlib";

/** How all that the store compresses is compressed: as quickly as zstd can. */
export const ZSTD_OPTIONS: { readonly params: Record<number, number> } = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
