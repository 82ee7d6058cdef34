/** What the simulated provider answers: content blocks, cut into the deltas it streams. */
export interface Reply {
  readonly blocks: readonly ReplyBlock[];
  readonly stopReason: 'end_turn' | 'tool_use';
}

export type ReplyBlock =
  | { readonly type: 'thinking'; readonly deltas: readonly string[]; readonly signature: string }
  | { readonly type: 'text'; readonly deltas: readonly string[] }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly deltas: readonly string[] };

interface Turn {
  readonly role: string;
  readonly content: string | readonly { readonly type: string; readonly text?: string }[];
}

export interface MessagesBody {
  readonly model?: string;
  readonly stream?: boolean;
  readonly messages?: readonly Turn[];
  readonly tools?: readonly { readonly name: string }[];
  readonly thinking?: { readonly type?: string };
}

const text = (...deltas: string[]): Reply => ({ blocks: [{ type: 'text', deltas }], stopReason: 'end_turn' });

/** Chooses a reply by the last user turn. Values are made up; they pass the checksums of the detectors. */
export function replyTo(body: MessagesBody): Reply {
  const last = body.messages?.findLast(({ role }) => role === 'user');
  const asked = lastText(last);
  const reply = choose(asked, last, body);
  if (body.thinking?.type !== 'enabled' && body.thinking?.type !== 'adaptive') return reply;
  const thinking: ReplyBlock = {
    type: 'thinking',
    deltas: ['The user asks: ', asked.slice(0, 40)],
    signature: 'c2ltdWxhdGVkLXNpZ25hdHVyZQ==',
  };
  return { ...reply, blocks: [thinking, ...reply.blocks] };
}

function choose(asked: string, last: Turn | undefined, body: MessagesBody): Reply {
  if (Array.isArray(last?.content) && last.content.some(({ type }) => type === 'tool_result')) {
    const filed = /filed (\[\w+:\w+\]|[\d-]+)/.exec(JSON.stringify(last.content))?.[1];
    return filed === undefined
      ? text('The tool has ', 'answered. ', 'All done.')
      : text('Filed: ', filed.slice(0, 5), filed.slice(5), '. All ', 'done.');
  }
  const number = numberIn(JSON.stringify(body.messages));
  if (number !== null && /say it again/i.test(asked)) return text('It is ', number.slice(0, 5), number.slice(5), '.');
  if (/statement|customer record/i.test(asked)) {
    // Cut in the middle of every value: a masker that looks at one event at a time lets all of them pass.
    return text(
      'Customer record: Dana ',
      'Whitfield, SSN 53',
      '6-22-',
      '8471, card 4539 14',
      '88 0343 6',
      '467, e-mail dana.whit',
      'field@exam',
      'ple.com. Balance: $1,',
      '204.11.',
    );
  }
  if (/drop|clean ?up/i.test(asked)) {
    const name = body.tools?.[0]?.name ?? 'run_sql';
    return {
      blocks: [
        { type: 'text', deltas: ['I will remove ', 'the old table.'] },
        { type: 'tool_use', id: 'toolu_simulated_01', name, deltas: ['', '{"query": "DR', 'OP TABLE customers', '_2019;"}'] },
      ],
      stopReason: 'tool_use',
    };
  }
  const bash = body.tools?.find(({ name }) => name === 'Bash');
  if (bash !== undefined && number !== null && /file it/i.test(asked)) {
    const command = [
      '{"command": "printf \'filed %s\' \'',
      number.slice(0, 5),
      number.slice(5),
      '\' | tee received.txt", "descrip',
      'tion": "File it"}',
    ];
    return { blocks: [{ type: 'tool_use', id: 'toolu_simulated_03', name: 'Bash', deltas: ['', ...command] }], stopReason: 'tool_use' };
  }
  if (bash !== undefined && /run echo/i.test(asked)) {
    return {
      blocks: [
        { type: 'text', deltas: ['Running ', 'it.'] },
        {
          type: 'tool_use',
          id: 'toolu_simulated_02',
          name: 'Bash',
          deltas: ['', '{"command": "echo affiant-', 'e2e", "description": "Print a word"}'],
        },
      ],
      stopReason: 'tool_use',
    };
  }
  return text('A ledger is ', 'a book of entries ', 'that is only ', 'ever added to.');
}

/** The number the user gave, as the provider got it: the value itself or what stands for it. */
export function numberIn(conversation: string): string | null {
  return /SSN is (\[\w+:\w+\]|[\d-]+)/.exec(conversation)?.[1] ?? null;
}

function lastText(turn: Turn | undefined): string {
  if (turn === undefined) return '';
  if (typeof turn.content === 'string') return turn.content;
  return turn.content
    .map(({ text: value }) => value ?? '')
    .filter((value) => value !== '')
    .join('\n');
}
