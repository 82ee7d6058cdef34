import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig, type PolicyAction, type PolicyConfig } from '#config';
import type { Principal } from '#events';
import { isAffiantError } from '#errors';
import { compilePolicySet, type PolicySet } from './index.js';

const principal = (groups: string[], subject = 'ann'): Principal => ({
  issuer: 'https://idp.example.com',
  subject,
  kind: 'user',
  groups,
  actor: null,
  token_digest: null,
  token_expires_at: null,
  authenticated_by: null,
});

const yaml = (policies: string, patterns = ''): PolicySet =>
  compilePolicySet(parseConfig(`policies:\n${policies}\n${patterns}`, 'affiant.yaml'), '1');
const APPROVERS = 'approvers: { group: data-owners }';

describe('values that are given back', () => {
  const selected = (policies: string) => yaml(policies).select(principal([]), 'c');
  const OWN = 'detect: [us_ssn, email], request: mask, response: mask';

  it('are those of policies that say so, where they say so', () => {
    const one = selected(`  - { name: own, ${OWN}, restore: [text] }`);
    expect(one.restores).toBe(true);
    expect(one.restoredBy('text', 'us_ssn')).toBe('own');
    expect(one.restoredBy('tool_input', 'us_ssn')).toBeNull();
    expect(one.restoredBy('text', 'iban')).toBeNull();
    expect(selected(`  - { name: own, ${OWN} }`).restores).toBe(false);
  });

  it.each([
    ['masks it in requests', 'detect: [us_ssn], request: mask, tool_input: allow', null, null],
    ['holds it in requests', `detect: [us_ssn], request: hold, tool_input: allow, ${APPROVERS}`, null, null],
    ['masks it in answers', 'detect: [us_ssn], response: mask, tool_input: allow', null, 'own'],
    ['says nothing of tool inputs, which blocks them', 'detect: [us_ssn], response: allow', 'own', null],
    ['gives it back as well', 'detect: [us_ssn], request: mask, restore: [text]', 'own', null],
    ['names another type', 'detect: [iban], request: mask', 'own', 'own'],
  ])('stay masked when another policy %s', (_name, other, text, tool) => {
    const both = selected(`  - { name: own, ${OWN}, restore: [text, tool_input] }\n  - { name: other, ${other} }`);
    expect([both.restoredBy('text', 'us_ssn'), both.restoredBy('text', 'email')]).toEqual([text, 'own']);
    expect(both.restoredBy('tool_input', 'us_ssn')).toBe(tool);
  });

  it('go by the policies that want the very value', () => {
    const graded = selected(`  - { name: own, ${OWN}, tool_input: allow, restore: [text] }
  - { name: other, detect: [us_ssn], request: mask, tool_input: allow, except: ['219-09-9999'] }`);
    const [excepted, wanted] = ['SSN 219-09-9999', 'SSN 536-90-4399'].map((text) => graded.requestDetector!.scan(text)[0]!.grade);
    expect(graded.restoredBy('text', 'us_ssn', excepted)).toBe('own');
    expect(graded.restoredBy('text', 'us_ssn', wanted)).toBeNull();
  });
});

describe('values', () => {
  const set = yaml(`
  - { name: mask-all, detect: [us_ssn, email], request: mask, response: mask, tool_input: allow }
  - { name: no-ssn-out, detect: [us_ssn], request: block, tool_input: hold, ${APPROVERS} }
  - { name: staff, detect: [phone], response: mask, principals: [group:staff] }
  - { name: emea, detect: [iban], request: mask, connections: [emea] }`);
  const selected = set.select(principal(['dev']), 'claude');

  it('take the strongest action of the policies that name them', () => {
    expect(selected.actionFor('request', 'us_ssn')).toEqual({ action: 'block', policy: 'no-ssn-out' });
    expect(selected.actionFor('response', 'us_ssn')).toEqual({ action: 'mask', policy: 'mask-all' });
    expect(selected.actionFor('tool_input', 'us_ssn')).toMatchObject({
      action: 'hold',
      policy: 'no-ssn-out',
      approvers: { group: 'data-owners', quorum: 1 },
    });
    expect(selected.actionFor('tool_input', 'email')).toEqual({ action: 'allow', policy: 'mask-all' });
    expect(selected.actionFor('request', 'iban')).toEqual({ action: 'allow', policy: '' });
  });

  it('in tool inputs block unless the policy says otherwise', () => {
    expect(yaml('  - { name: p, detect: [email], request: mask }').select(principal([]), 'c').actionFor('tool_input', 'email').action).toBe(
      'block',
    );
  });

  it('are looked for only where some policy acts on them; in tool inputs always, for the trail', () => {
    expect(selected.requestDetector?.types).toEqual(['us_ssn', 'email']);
    expect(selected.responseDetector?.types).toEqual(['us_ssn', 'email']);
    expect(selected.toolInputDetector?.types).toEqual(['us_ssn', 'email']);
    const response = yaml('  - { name: p, detect: [email], response: mask, tool_input: allow }').select(principal([]), 'c');
    expect(response.requestDetector).toBeNull();
    expect(response.readsToolInput).toBe(false);
  });

  it('follow principals and connections', () => {
    expect(set.select(principal(['staff']), 'claude').responseDetector?.types).toContain('phone');
    expect(set.select(principal(['dev']), 'emea').requestDetector?.types).toContain('iban');
  });

  it('may be of a customer pattern', () => {
    const own = yaml('  - { name: p, detect: [employee_id], request: mask }', "patterns:\n  - { name: employee_id, regex: 'EMP-\\d{6}' }");
    expect(own.select(principal([]), 'c').requestDetector?.scan('EMP-123456')).toMatchObject([{ type: 'employee_id', start: 0, end: 10 }]);
  });
});

describe('scores and exceptions', () => {
  const spans = (set: PolicySet, text: string, connection = 'c'): unknown[] => {
    const selected = set.select(principal([]), connection);
    return (selected.requestDetector?.scan(text) ?? []).map(({ type, start, end, grade }) => [
      type,
      text.slice(start, end),
      selected.actionFor('request', type, grade).action,
    ]);
  };

  it('leave what is too weak for a policy alone, on its connections', () => {
    const set = yaml(`
  - { name: p, detect: [us_ein, us_aba_routing], request: mask, connections: [c] }
  - { name: strict, detect: [us_ein, us_aba_routing], request: mask, min_score: 0.8, connections: [strict] }
  - { name: all, detect: [us_ein, us_aba_routing], request: mask, min_score: 0.1, connections: [all] }`);
    const text = 'part 12-3456789, order 021000021, EIN 20-1234567';
    expect(spans(set, text)).toEqual([
      ['us_aba_routing', '021000021', 'mask'],
      ['us_ein', '20-1234567', 'mask'],
    ]);
    expect(spans(set, text, 'strict')).toEqual([['us_ein', '20-1234567', 'mask']]);
    expect(spans(set, text, 'all')).toHaveLength(3);
  });

  it('except values of one policy only, however they are written', () => {
    const set = yaml(`
  - { name: cards, detect: [credit_card], request: block, except: ['4111 1111 1111 1111'] }
  - { name: mails, detect: [email], request: mask, except_regex: ['[^@]+@bank\\.example', 'ann@.*'] }
  - { name: cards-too, detect: [credit_card], request: mask, connections: [both] }`);
    const text =
      '4111-1111-1111-1111 ４１１１１１１１１１１１１１１１ 5555555555554444 ann@x.example bob@bank.example bob@bank.example.org';
    expect(spans(set, text)).toEqual([
      ['credit_card', '5555555555554444', 'block'],
      ['email', 'bob@bank.example.org', 'mask'],
    ]);
    expect(spans(set, text, 'both').map((span) => (span as string[])[2])).toEqual(['mask', 'mask', 'block', 'mask']);
  });

  it('never let a row of digits pass that could hide anything', () => {
    const set = yaml('  - { name: p, detect: [credit_card], request: mask, min_score: 1, except_regex: [".*"] }');
    expect(spans(set, `id ${'7'.repeat(70)}`)).toHaveLength(2);
  });

  it('change nothing where no policy has them', () => {
    const [plain, scored] = ['', ', min_score: 0.5'].map((more) =>
      yaml(`  - { name: p, detect: [email], request: mask${more} }`).select(principal([]), 'c'),
    );
    expect(plain!.requestDetector?.scan('ann@example.com')[0]).not.toHaveProperty('grade');
    expect(plain!.requestDetector?.version).not.toBe(scored!.requestDetector?.version);
  });
});

describe('conditions', () => {
  const set = yaml(`
  - { name: destructive-sql, when: { tool_input: '(?i)\\bdrop\\s+(table|database)\\b' }, action: hold, ${APPROVERS} }
  - { name: no-shell, when: { tool: 'Bash|Shell' }, action: block }
  - { name: ask-prod, when: { tool: 'prod_.*' }, action: hold, ${APPROVERS} }
  - { name: no-opus, when: { model: 'claude-opus-.*' }, action: block }
  - { name: secret-project, when: { request_text: 'Project\\s+Mercury' }, action: block }
  - { name: advice, when: { response_text: '(?i)guaranteed return' }, action: hold, ${APPROVERS} }
  - { name: no-bob, when: { principal: 'subject:bob' }, action: block }`);
  const selected = set.select(principal([]), 'claude');

  it('on tool inputs hold, also behind JSON escapes', () => {
    for (const sql of ['DROP TABLE t', 'drop\n\ttable t', 'dr\\u006fp table']) {
      const verdict = selected.evaluateToolInput('query', sql.includes('\\u') ? `{"sql":"${sql}"}` : JSON.stringify({ sql }));
      expect(verdict).toMatchObject({
        action: 'hold',
        rules: [{ policy: 'destructive-sql', approvers: { group: 'data-owners', expires: 900_000 } }],
      });
      expect(verdict.rules[0]?.reason).toBe('tool "query": the input of the tool call matches');
    }
    expect(selected.evaluateToolInput('query', '{"sql":"select droptable"}')).toEqual({ action: 'allow', rules: [] });
  });

  it('on a tool match its whole name: blocked when offered or called, held when called', () => {
    expect(selected.evaluateRequest({ model: 'm', tools: ['Read', 'Bash'] })).toMatchObject({
      action: 'block',
      rules: [{ policy: 'no-shell' }],
    });
    expect(selected.evaluateToolInput('Bash', '{}').action).toBe('block');
    expect(selected.evaluateToolInput('BashOutput', '{}').action).toBe('allow');
    expect(selected.evaluateRequest({ model: 'm', tools: ['prod_db'] }).action).toBe('allow');
    expect(selected.evaluateToolInput('prod_db', '{}').action).toBe('hold');
  });

  it('on model, texts and principal', () => {
    expect(selected.evaluateRequest({ model: 'claude-opus-4', tools: [] }).rules).toMatchObject([{ policy: 'no-opus' }]);
    expect(selected.evaluateRequest({ model: null, tools: [] }).action).toBe('allow');
    expect(selected.evaluateRequestText('about Project  Mercury now').action).toBe('block');
    expect(selected.evaluateResponseText('a GUARANTEED RETURN').action).toBe('hold');
    expect(set.select(principal([], 'bob'), 'claude').evaluateRequest({ model: null, tools: [] }).rules).toMatchObject([
      { policy: 'no-bob' },
    ]);
    expect(selected).toMatchObject({ readsRequestText: true, readsResponseText: true, readsToolInput: true });
  });

  it('obey block > hold > allow and name every policy that hit', () => {
    const verdict = selected.evaluateToolInput('Bash', '{"command":"psql -c \\"drop table x\\""}');
    expect(verdict.action).toBe('block');
    expect(verdict.rules.map(({ policy }) => policy)).toEqual(['destructive-sql', 'no-shell']);
  });

  it('fail closed when they cannot be evaluated', () => {
    expect(() => selected.evaluateRequestText(undefined as unknown as string)).toThrowError(
      expect.objectContaining({ code: 'policy_failed' }),
    );
  });

  it('take linear time on hostile text', () => {
    const hostile = yaml("  - { name: p, when: { request_text: '(a+)+$' }, action: block }").select(principal([]), 'c');
    const begun = performance.now();
    hostile.evaluateRequestText(`${'a'.repeat(50_000)}!`);
    expect(performance.now() - begun).toBeLessThan(3000);
  });
});

describe('a policy set', () => {
  const mail = '  - { name: p, detect: [email], request: mask }';

  it('has a digest over policies, patterns and detectors, whatever the order of keys', () => {
    expect(yaml(mail).digest).toBe(yaml('  - { request: mask, detect: [email], name: p }').digest);
    expect(yaml(mail).digest).not.toBe(yaml(mail.replace('mask', 'block')).digest);
    expect(yaml(mail).digest).not.toBe(yaml(mail, "patterns: [{ name: own, regex: 'EMP-\\d+' }]").digest);
    expect(JSON.parse(yaml(mail).text)).toMatchObject({ policies: [{ name: 'p' }], patterns: [], detector: expect.any(String) as string });
  });

  it('gives callers to whom the same policies apply the same selection', () => {
    const set = yaml(`${mail}\n  - { name: q, detect: [iban], request: mask, principals: [group:a] }`);
    expect(set.select(principal(['x']), 'c')).toBe(set.select(principal(['y', 'z']), 'd'));
    expect(set.select(principal(['a']), 'c')).not.toBe(set.select(principal(['x']), 'c'));
  });

  it.each<[string, Partial<PolicyConfig>, RegExp]>([
    ['a bad regular expression', { when: { request_text: '(' }, action: 'block' }, /policies\[0\]\.when\.request_text: .*missing closing/],
    ['look-around', { when: { request_text: '(?=a)' }, action: 'block' }, /look-around/],
    ['a file-name pattern', { when: { model: 'claude-*' }, action: 'block' }, /write \.\*/],
    ['an unknown type', { detect: ['emial'], request: 'mask' }, /policies\[0\]\.detect\[0\]: there is no entity type or pattern "emial"/],
    ['two moments', { when: { request_text: 'a', response_text: 'b' }, action: 'block' }, /different moments/],
    ['a model with a text', { when: { tool_input: 'a', model: 'b' }, action: 'block' }, /model cannot be combined/],
    ['detection narrowed by a model', { detect: ['email'], request: 'mask', when: { model: 'x' } }, /only be narrowed by principal/],
    ['a hold without approvers', { when: { tool: 'a' }, action: 'hold' }, /hold needs approvers/],
    ['a condition that masks', { when: { tool: 'a' }, action: 'mask' }, /cannot mask/],
  ])('is refused for %s', (_name, policy, message) => {
    const input = { policies: [{ name: 'p', ...policy }], patterns: [] };
    expect(() => compilePolicySet(input, '1')).toThrowError(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(message) as string }),
    );
  });

  it('never fails with anything but a typed error (fuzz)', () => {
    const action = fc.option(fc.constantFrom<PolicyAction>('allow', 'mask', 'hold', 'block'), { nil: undefined });
    const regex = fc.option(
      fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('a+', '(x|y)*', '\\bdrop\\b', '[a-', 'a{2,1}', '(?i)z', '\\pN', 'claude-*')),
      { nil: undefined },
    );
    const who = fc.constantFrom('group:a', 'subject:ann');
    const policy = fc.record({
      name: fc.string({ maxLength: 5 }),
      connections: fc.option(fc.array(fc.constantFrom('c', 'd')), { nil: undefined }),
      principals: fc.option(fc.array(who), { nil: undefined }),
      detect: fc.option(fc.array(fc.constantFrom('email', 'us_ssn', 'own', 'nope', ''), { maxLength: 3 }), { nil: undefined }),
      request: action,
      response: action,
      tool_input: action,
      action,
      when: fc.option(
        fc.record(
          {
            request_text: regex,
            response_text: regex,
            tool_input: regex,
            tool: regex,
            model: regex,
            principal: fc.option(who, { nil: undefined }),
          },
          { requiredKeys: [] },
        ),
        { nil: undefined },
      ),
      approvers: fc.option(fc.constant({ group: 'g', quorum: 1, not: 'requester' as const, expires: 1 }), { nil: undefined }),
    });
    const pattern = fc.record({
      name: fc.constantFrom('own', 'Bad Name', 'email'),
      regex: fc.oneof(fc.string({ maxLength: 8 }), fc.constant('EMP-\\d+')),
    });
    fc.assert(
      fc.property(fc.array(policy, { maxLength: 4 }), fc.array(pattern, { maxLength: 2 }), fc.string(), (policies, patterns, text) => {
        try {
          const selected = compilePolicySet({ policies, patterns }, '1').select(principal(['a']), 'c');
          for (const verdict of [
            selected.evaluateRequest({ model: text, tools: [text] }),
            selected.evaluateRequestText(text),
            selected.evaluateResponseText(text),
            selected.evaluateToolInput(text, JSON.stringify(text)),
          ]) {
            expect(['allow', 'hold', 'block']).toContain(verdict.action);
          }
          selected.requestDetector?.scan(text);
        } catch (error) {
          if (!isAffiantError(error)) throw error;
          expect(error.code).toBe('config_invalid');
        }
      }),
      { numRuns: 1000 },
    );
  });
});
