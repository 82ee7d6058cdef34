type Fields = Record<string, unknown>;

/** Puts the chunks of a Chat Completions stream together. */
export class ChatAssembly {
  private head: Fields = {};
  private readonly choices = new Map<number, Fields>();

  add(chunk: Fields): void {
    const { choices, ...head } = chunk;
    for (const [name, value] of Object.entries(head)) if (value !== null && name !== 'obfuscation') this.head[name] = value;
    for (const choice of choices as Fields[]) this.choice(choice);
  }

  completion(): Fields {
    const choices = [...this.choices.entries()].sort(([a], [b]) => a - b).map(([, choice]) => choice);
    return { ...this.head, object: 'chat.completion', choices };
  }

  private choice({ delta, ...others }: Fields): void {
    const index = Number(others['index'] ?? 0);
    const known = this.choices.get(index) ?? { index, message: { role: 'assistant', content: null }, logprobs: null, finish_reason: null };
    this.choices.set(index, known);
    for (const [name, value] of Object.entries(others)) if (value !== null) known[name] = value;
    grow(known['message'] as Fields, (delta ?? {}) as Fields);
  }
}

/** Adds a delta: strings go on, objects and elements with the same `index` grow, all else is replaced. */
function grow(into: Fields, delta: Fields): void {
  for (const [name, value] of Object.entries(delta)) {
    const known = into[name];
    if (typeof value === 'string' && typeof known === 'string' && name !== 'role' && name !== 'id' && name !== 'type')
      into[name] = known + value;
    else if (Array.isArray(value)) into[name] = elements(Array.isArray(known) ? (known as Fields[]) : [], value as Fields[]);
    else if (isFields(value) && isFields(known)) grow(known, value);
    else if (value !== null || known === undefined) into[name] = value;
  }
}

function elements(known: Fields[], added: readonly Fields[]): Fields[] {
  const grown = [...known];
  for (const { index, ...element } of added) {
    const at = typeof index === 'number' && index >= 0 && index < 4_096 ? index : grown.length;
    const there = grown[at];
    if (there === undefined) grown[at] = element;
    else grow(there, element);
  }
  return grown;
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
