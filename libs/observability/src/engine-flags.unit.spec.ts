import { beforeEach, describe, expect, it, vi } from 'vitest';
import { engineFlagsForStart } from './engine-flags.js';

const machine = vi.hoisted(() => ({ cores: 1, flags: [] as string[] }));
vi.mock('node:os', async (original) => ({ ...(await original<object>()), availableParallelism: () => machine.cores }));
vi.mock('node:v8', async (original) => ({
  ...(await original<object>()),
  setFlagsFromString: (flag: string) => void machine.flags.push(flag),
}));

describe('the flags of the engine at the start', () => {
  beforeEach(() => (machine.flags = []));

  it.each([
    [1, true],
    [2, false],
    [64, false],
  ])('let nothing mark beside the only thread that a core has (%i cores)', (cores, alone) => {
    machine.cores = cores;
    engineFlagsForStart();
    expect(machine.flags.includes('--no-concurrent-marking')).toBe(alone);
    expect(machine.flags).toContain('--semi-space-growth-factor=1');
  });
});
