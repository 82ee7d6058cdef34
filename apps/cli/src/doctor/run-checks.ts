import { isAffiantError } from '#errors';
import type { Check, CheckResult, Finding } from './check.js';

const TIMEOUT_MS = 20_000;
const NETWORK =
  /ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|Connection error|Connection is closed|timed? ?out/i;

/** Runs all checks at the same time, each with a deadline; the results come in the order of the list. Never throws. */
export function runChecks(checks: readonly Check[], timeoutMs = TIMEOUT_MS): Promise<CheckResult[]> {
  return Promise.all(checks.map(async (check) => ({ id: check.id, title: check.title, ...(await runOne(check, timeoutMs)) })));
}

async function runOne(check: Check, timeoutMs: number): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(
      () =>
        resolve({
          status: 'fail',
          detail: `no answer within ${timeoutMs / 1000} s`,
          remedy: 'Check address, network and firewall.',
          unreachable: true,
        }),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([check.run(), late]);
  } catch (error) {
    return thrown(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Addresses and names may stand in an error's message, secrets never do: clients do not put them there, and ours are AffiantErrors. */
function thrown(error: unknown): Finding {
  if (isAffiantError(error)) return { status: 'fail', detail: error.message, remedy: error.remedy };
  const { message, code } = error as { message?: string; code?: string };
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  const parts = [message, code, cause?.code ?? cause?.message].filter((part) => part !== undefined && part !== '');
  const detail = parts.length === 0 ? String(error) : [...new Set(parts)].join(', ');
  const remedy = 'Check that it runs, and address, login and network.';
  return { status: 'fail', detail, remedy, ...(NETWORK.test(detail) ? { unreachable: true } : {}) };
}
