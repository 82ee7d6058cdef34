import { describe, expect, it } from 'vitest';
import { checkPolicyFile } from './index.js';

const GOOD = `policies:
  - name: customer-data
    detect: [ us_ssn, credit_card ]
    request: mask
    response: mask
`;

describe('checkPolicyFile', () => {
  it('finds nothing wrong with a good file and says its digest', () => {
    expect(checkPolicyFile(GOOD)).toEqual({
      problems: [],
      warnings: [],
      policies: 1,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  it.each([
    ['a wrong type', GOOD.replace('us_ssn', 'us_sns'), { line: 3, column: 15, path: 'policies[0].detect[0]' }],
    [
      'a bad regular expression',
      `${GOOD}  - name: x\n    when:\n      tool_input: '('\n    action: block\n`,
      { line: 8, column: 7, path: 'policies[1].when.tool_input' },
    ],
    ['a bad pattern', `${GOOD}patterns:\n  - name: own\n    regex: '(a)\\1'\n`, { line: 8, column: 5, path: 'patterns[0].regex' }],
    ['a bad exception', `${GOOD}    except_regex: ['a', '(']\n`, { line: 6, column: 25, path: 'policies[0].except_regex[1]' }],
    ['a score no candidate has', `${GOOD}    min_score: 40\n`, { line: 6, column: 16, path: 'policies[0].min_score' }],
    [
      'a score without values',
      `policies:\n  - name: x\n    when: { model: a }\n    action: block\n    min_score: 0.5\n`,
      { line: 5, column: 16 },
    ],
    [
      'a word too short',
      `${GOOD}patterns:\n  - name: own\n    words: [ mercury, '--a' ]\n`,
      { line: 8, column: 5, path: 'patterns[0].words' },
    ],
    ['neither expression nor words', `${GOOD}patterns:\n  - name: own\n`, { line: 7, column: 5, path: 'patterns[0]' }],
    [
      'values given back that are not masked',
      `${GOOD.replace('request: mask', 'request: block')}    restore: [text]\n`,
      { line: 6, column: 14 },
    ],
    ['values given back nowhere we know', `${GOOD}    restore: [answer]\n`, { line: 6 }],
    ['an unknown key', GOOD.replace('request:', 'reqest:'), { line: 4, column: 5, path: 'policies[0].reqest' }],
    ['broken YAML', 'policies: [', { line: 1 }],
  ])('says where: %s', (_name, text, where) => {
    const check = checkPolicyFile(text);
    expect(check.digest).toBeNull();
    expect(check.problems[0]).toMatchObject(where);
  });

  it.each([
    ['no policy', 'policies: []', /everything passes/],
    ['a slow pattern', "patterns:\n  - { name: part, regex: '\\w+-\\d+' }", /slow on long words/],
    ['a regex that matches all', "policies:\n  - { name: x, when: { request_text: '.*' }, action: block }", /matches any text/],
    [
      'an unknown connection',
      `${GOOD}    connections: [ nope ]\nconnections:\n  - { name: c, protocol: anthropic, upstream: 'https://x.example', credential: { env: X } }\n`,
      /no connection "nope"/,
    ],
    ['allow', "policies:\n  - { name: x, when: { model: 'a' }, action: allow }", /changes nothing/],
    ['an unused pattern', `${GOOD}patterns: [{ name: own, regex: 'EMP-\\d+' }]`, /no policy detects "own"/],
    [
      'a loose pattern',
      "policies:\n  - { name: x, detect: [own], request: mask }\npatterns: [{ name: own, regex: '\\w+' }]",
      /ordinary text/,
    ],
    ['an exception of everything', `${GOOD}    except_regex: [ '.*' ]\n`, /excepts any value/],
    ['values in the input of tools', `${GOOD}    restore: [tool_input]\n`, /sends it elsewhere/],
    [
      'what another policy keeps',
      `${GOOD}    restore: [text]\n  - { name: cards, detect: [credit_card], response: mask }\n`,
      /"cards" does not restore credit_card/,
    ],
    ['a masked tool input', `${GOOD}    tool_input: mask\n`, /changes what is executed/],
  ])('warns of %s', (_name, text, message) => {
    const check = checkPolicyFile(text);
    expect(check.problems).toEqual([]);
    expect(check.warnings.map((warning) => warning.message).join('\n')).toMatch(message);
  });
});
