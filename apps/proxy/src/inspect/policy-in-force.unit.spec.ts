import { describe, expect, it } from 'vitest';
import { AffiantError } from '#errors';
import { createLogger } from '#observability';
import { Evidence } from '../record/evidence.js';
import { ALLOW } from '../testing/fake-protocol.js';
import { FakePolicies, FakeRecorder, principal } from '../testing/fakes.js';
import { Policies } from './policy-in-force.js';

describe('Policies', () => {
  it('puts a set in force only after it is recorded', async () => {
    const recorder = new FakeRecorder();
    const source = new FakePolicies();
    const policies = new Policies(source, new Evidence(recorder, 1_000), () => '', createLogger('test', { level: 'silent' }));
    await policies.start();
    expect(policies.set.version).toBe('1');
    recorder.gate = () => Promise.reject(new AffiantError('journal_full', 'full'));
    source.publish('2', () => ALLOW);
    await expect(policies.announce()).rejects.toThrow('full');
    expect(policies.set.version).toBe('1');
    recorder.gate = null;
    await policies.announce();
    expect(policies.set.version).toBe('2');
    await policies.announce();
    expect(recorder.controls('policy.published').map(({ event }) => event.subject)).toHaveLength(2);
  });

  it('gives one cache scope per selection and another per version', async () => {
    const source = new FakePolicies();
    const policies = new Policies(source, new Evidence(new FakeRecorder(), 1_000), () => '', createLogger('test', { level: 'silent' }));
    await policies.start();
    const scope = (): string => policies.for(principal('a'), 'claude').screening.cacheScope;
    const before = scope();
    expect(scope()).toBe(before);
    source.publish('2', () => ALLOW);
    await policies.announce();
    expect(scope()).not.toBe(before);
  });
});
