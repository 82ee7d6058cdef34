interface Version {
  readonly id: number;
  readonly name: string;
  readonly schema: object;
  readonly sha256: string;
}

export function otherVersion<T extends Version>(
  schemas: readonly T[],
  change: {
    readonly firstId: number;
    readonly without?: readonly string[];
    readonly withFields?: Readonly<Record<string, readonly object[]>>;
  },
): readonly T[];
