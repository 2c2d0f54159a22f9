/** What the processes of a store's cluster share: the first token of the subjects of their hosts. */
export const SUBJECT_PREFIX = "crash";
