import type { Placeholder } from '#detect';

const MAX_REMEMBERED = 4_096;

/** The same placeholders, each made once: bodies repeat their values. Lives as long as one request, and so do the values it holds. */
export function rememberPlaceholders(placeholder: Placeholder): Placeholder {
  const made = new Map<string, string>();
  return (type, value) => {
    const key = `${type} ${value}`;
    let text = made.get(key);
    if (text === undefined) {
      text = placeholder(type, value);
      if (made.size < MAX_REMEMBERED) made.set(key, text);
    }
    return text;
  };
}
