/** Of each UTF-16 unit of a string, in UTF-8. */
export const UTF8_BYTES_PER_UNIT_MAX = 3;
