/** An object or array of a document, with the few members that say what it is. They may come after the strings they describe. */
export interface Container {
  readonly parent: Container | null;
  /** Member it is the value of; an element of an array has the array's. */
  readonly key: string;
  readonly isArray: boolean;
  /** Place in the array it is an element of. */
  readonly ordinal: number;
  /** Elements so far, when it is an array. */
  count: number;
  type: string;
  name: string;
  /** Of the member `index`. */
  index: number | null;
  /** Of the member `finish_reason`. */
  finish: string;
}

/** Names that a tool goes by whose call names none. */
export function toolName(call: Container): string {
  if (call.name !== '') return call.name;
  return call.type.endsWith('_call') ? call.type.slice(0, -'_call'.length) : call.type;
}

/** The nearest container, upwards, that is an element of an array with this name; null when there is none. */
export function elementOf(from: Container | null, array: string): Container | null {
  for (let at = from; at !== null; at = at.parent) {
    if (at.key === array && at.parent !== null && at.parent.isArray) return at;
  }
  return null;
}
