const MAX_TEXT = 1_024;
const MAX_ITEMS = 64;

/** Texts of the trail are masked already; here they are only kept short, so that a record fits every transport. The Avro event has all of it. */
export function text(value: string | null, most = MAX_TEXT): string | undefined {
  if (value === null || value === '') return undefined;
  return value.length <= most ? value : `${wellFormedCut(value, most)}…`;
}

export function list<T>(values: readonly T[], most = MAX_ITEMS): readonly T[] | undefined {
  return values.length === 0 ? undefined : values.slice(0, most);
}

/** Microseconds to whole milliseconds. */
export const millis = (us: number): number => Math.floor(us / 1_000);

/** Does not end in half a surrogate pair. */
function wellFormedCut(value: string, most: number): string {
  const last = value.charCodeAt(most - 1);
  return value.slice(0, last >= 0xd800 && last <= 0xdbff ? most - 1 : most);
}
