/** Exit codes of every `affiant` command and of `npm start`. */
export const EXIT = {
  /** Done. */
  done: 0,
  /** A finding: it does not verify, was denied, or was not found. */
  finding: 1,
  /** Wrong use or configuration. */
  usage: 2,
  /** The running instance, or something it needs, cannot be reached. */
  unreachable: 3,
} as const;
