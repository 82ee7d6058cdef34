/** What a run of bytes of the request is, so that its strings are taken the right way. */
export type PieceKind = 'messages' | 'system' | 'tools' | 'member' | 'glue';

/** A JSON value inside a piece. Byte offsets, end exclusive. */
export interface PieceValue {
  /** Top-level member it belongs to. */
  readonly member: string;
  readonly start: number;
  readonly end: number;
}
