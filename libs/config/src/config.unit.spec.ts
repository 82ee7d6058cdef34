import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAffiantError, type AffiantError } from '#errors';
import { configJsonSchema } from './json-schema.js';
import { loadConfig, watchConfig } from './load.js';
import { packageRoot } from './package-root.js';
import { checkConfig, parseConfig } from './parse.js';
import { defaultConfig, demoConfig } from './presets.js';
import { resolveSecret } from './resolve-secret.js';
import type { AffiantConfig } from './types.js';

const EXAMPLE = `identity:
  issuers:
    - { name: corp, issuer: https://idp.example.com, audience: affiant, groups_claim: groups }
connections:
  - name: claude
    protocol: anthropic
    upstream: https://api.anthropic.com
    credential: { env: ANTHROPIC_API_KEY }
    allow: [ group:engineering ]
policies:
  - name: customer-data
    detect: [ us_ssn, credit_card, us_bank_account, iban ]
    request: mask
    response: mask
  - name: destructive-sql
    when: { tool_input: '(?i)\\bdrop\\s+(table|database)\\b' }
    action: hold
    approvers: { group: data-owners, quorum: 1, not: requester, expires: 15m }
`;

describe('parseConfig', () => {
  it('reads the example of the design, with defaults', () => {
    const config = parseConfig(EXAMPLE, 'affiant.yaml');
    expect(config.policies[1]?.approvers).toEqual({ group: 'data-owners', quorum: 1, not: 'requester', expires: 900_000 });
    expect(config.server).toMatchObject({ host: '127.0.0.1', body_limit: 32 * 1024 * 1024, drain_timeout: 30_000 });
    expect(config.connections[0]).toMatchObject({ credential: { env: 'ANTHROPIC_API_KEY' }, credential_header: 'x-api-key' });
    expect(parseConfig('', 'affiant.yaml').connections).toEqual([]);
  });

  it.each([
    [
      'a typo',
      EXAMPLE.replace('upstream:', 'upstraem:'),
      { line: 7, column: 5, path: 'connections[0].upstraem', message: 'unknown key; did you mean upstream?' },
    ],
    [
      'an unknown section',
      `${EXAMPLE}polices: []\n`,
      { line: 19, column: 1, path: 'polices', message: 'unknown key; did you mean policies?' },
    ],
    [
      'a wrong word',
      EXAMPLE.replace('request: mask', 'request: hide'),
      { line: 13, column: 14, path: 'policies[0].request', message: 'must be one of allow, mask, hold, block' },
    ],
    [
      'a duration without unit',
      EXAMPLE.replace('15m', '15'),
      { line: 18, column: 74, path: 'policies[1].approvers.expires', message: 'must be a duration such as 500ms, 30s, 15m, 2h or 1d' },
    ],
    [
      'a hold without approvers',
      EXAMPLE.replace(/ {4}approvers.*\n/, ''),
      { line: 15, column: 5, path: 'policies[1]', message: 'hold needs approvers' },
    ],
    ['a key twice', `${EXAMPLE}connections: []\n`, { line: 19, column: 1, path: '' }],
    [
      'two of one name',
      EXAMPLE.replace('name: destructive-sql', 'name: customer-data'),
      { line: 15, path: 'policies[1].name', message: 'a second policy is named customer-data' },
    ],
    ['broken YAML', 'connections: [', { line: 1 }],
    ['a tab', 'server:\n\thost: x\n', { line: 2 }],
  ])('names the place of %s', (_what, text, expected) => {
    expect(checkConfig(text).problems).toContainEqual(expect.objectContaining(expected));
    const error = caught(() => parseConfig(text, 'affiant.yaml'));
    expect(error).toMatchObject({ code: 'config_invalid', where: expect.stringMatching(/^affiant\.yaml:\d+:\d+$/) as string });
  });

  it('refuses a log that keeps what the ledger drops', () => {
    const text = (kafka: string, content: string): string =>
      `kafka: { brokers: [k:9092], topics: { retention: ${kafka} } }\nretention: { content: ${content} }\n`;
    const message = 'must not be longer than retention.content: Kafka would keep what the ledger has dropped';
    expect(checkConfig(text('31d', '30d')).problems).toContainEqual(
      expect.objectContaining({ line: 1, path: 'kafka.topics.retention', message }),
    );
    expect(checkConfig(text('30d', '30d')).problems).toEqual([]);
    expect(checkConfig('kafka: { brokers: [k:9092] }\nretention: { content: 20d }\n').problems).toContainEqual(
      expect.objectContaining({ path: 'kafka.topics.retention', message }),
    );
  });

  it('never repeats a secret that stands where a reference belongs', () => {
    const text = EXAMPLE.replace('{ env: ANTHROPIC_API_KEY }', 'sk-ant-very-secret-value');
    const error = caught(() => parseConfig(text, 'affiant.yaml'));
    expect(error.message).toContain('secrets are named, never written here');
    expect(JSON.stringify([error.message, error.toJSON(), String(error.cause)])).not.toContain('sk-ant');
  });

  it('finds all problems at once, and is not grown by aliases', () => {
    expect(checkConfig('a: 1\nb: 2\n').problems).toHaveLength(2);
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]`)
      .join('\n')}\n`;
    expect(checkConfig(bomb).problems).toEqual([expect.objectContaining({ message: 'too many aliases' })]);
  });

  it('answers any text with a configuration or typed problems', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((noise) => `${EXAMPLE}${noise}`),
        ),
        (text) => {
          try {
            parseConfig(text, 'x.yaml');
          } catch (error) {
            expect(isAffiantError(error)).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('has presets that are valid', () => {
    expect(defaultConfig().connections[0]?.upstream).toBe('https://api.anthropic.com');
    expect(demoConfig({ upstream: 'http://127.0.0.1:1', credentialFile: 'k' }).policies.map(({ name }) => name)).toEqual([
      'customer-data',
      'no-credentials',
      'destructive-sql',
    ]);
  });

  it('has a current JSON Schema', async () => {
    expect(JSON.parse(await readFile(join(packageRoot, 'schemas/affiant.schema.json'), 'utf8'))).toEqual(JSON.parse(configJsonSchema()));
  });

  it('is documented key by key', async () => {
    const page = await readFile(join(packageRoot, 'docs/reference/configuration.md'), 'utf8');
    const missing = keysOf(JSON.parse(configJsonSchema()) as SchemaNode, '').filter((key) => !page.includes(`\`${key}\``));
    expect(missing).toEqual([]);
  });
});

describe('files', () => {
  let directory: string;
  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'affiant-config-'))));
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('resolves secrets by reference only', async () => {
    const file = join(directory, 'key');
    await writeFile(file, 'value\n');
    expect(await resolveSecret({ file })).toBe('value');
    await expect(resolveSecret({ file: join(directory, 'none') })).rejects.toMatchObject({ code: 'config_secret_missing' });
    await expect(resolveSecret({ env: 'AFFIANT_TEST_NOT_SET' })).rejects.toMatchObject({ code: 'config_secret_missing' });
    await expect(loadConfig(join(directory, 'none.yaml'))).rejects.toMatchObject({ code: 'config_invalid' });
    await writeFile(file, Buffer.from([0xff, 0xfe]));
    await expect(loadConfig(file)).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it('takes a changed file, also when it is renamed into place, and keeps the old one when the new one is bad', async () => {
    const path = join(directory, 'affiant.yaml');
    await writeFile(path, EXAMPLE);
    const told: (AffiantConfig | AffiantError)[] = [];
    let wake = (): void => undefined;
    const tell = (what: AffiantConfig | AffiantError): void => {
      told.push(what);
      wake();
    };
    const next = (): Promise<void> => new Promise((resolve) => (wake = resolve));
    const stop = watchConfig(path, tell, tell);
    try {
      await loadConfig(path);
      let change = next();
      await writeFile(join(directory, 'new'), EXAMPLE.replace('quorum: 1', 'quorum: 2'));
      await rename(join(directory, 'new'), path);
      await change;
      expect((told[0] as AffiantConfig).policies[1]?.approvers?.quorum).toBe(2);
      change = next();
      await writeFile(path, 'nonsense: true\n');
      await change;
      expect(told[1]).toMatchObject({ code: 'config_invalid' });
    } finally {
      stop();
    }
  });
});

function caught(run: () => unknown): AffiantError {
  try {
    run();
  } catch (error) {
    return error as AffiantError;
  }
  throw new Error('nothing was thrown');
}

interface SchemaNode {
  readonly properties?: Record<string, SchemaNode>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

function keysOf(node: SchemaNode, prefix: string): string[] {
  const inside = [node.items, ...(node.anyOf ?? [])].flatMap((each) => (each === undefined ? [] : keysOf(each, prefix)));
  const own = Object.entries(node.properties ?? {}).flatMap(([key, child]) => [prefix + key, ...keysOf(child, `${prefix}${key}.`)]);
  return [...own, ...inside];
}
