import { createDetector, ENTITY_TYPES, maskText, type Placeholder } from '#detect';

/** Replaces every known kind of sensitive value in a text before it enters the open trail. */
export function createRedactor(placeholder: Placeholder): (text: string) => string {
  const everything = createDetector([...ENTITY_TYPES]);
  return (text) => maskText(text, everything.scan(text), placeholder);
}
