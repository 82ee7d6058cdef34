import type { Context, ContextKind } from '../engine/context.js';
import { COLON, isAlnum, isDigit } from '../engine/characters.js';
import { LIKELY, type Candidate, type Findings, type Window } from '../engine/window.js';
import type { EntityType } from '../entity-types.js';
import { account, routing } from './bank.js';
import { bareCard, printedCard } from './card.js';
import { closesNumber, digitsEnd, groupsFrom, opensNumber, type Group } from './digit-run.js';
import { iban, mayBeginIban } from './iban.js';
import { ipv4 } from './ip.js';
import { phone, phoneStart } from './phone.js';
import { bareSsn, printedSsn } from './ssn.js';

/** More digits in a row than this are no number anybody writes; they could hide several, so they are masked whole (docs/adr/detection.md). */
export const DIGIT_OVERFLOW = 64;

/** Entity types a too long row of digits could hide, strongest first. */
const HIDDEN: readonly EntityType[] = ['credit_card', 'us_ssn', 'us_bank_account', 'us_aba_routing', 'iban'];

/** Decides everything that may begin at the digit group at `start`, or just before it (`+`, `(`, a country code); gives the group's end. */
export function numbersAt(window: Window, start: number, types: ReadonlySet<string>, context: Context, findings: Findings): number {
  const end = digitsEnd(window, start, DIGIT_OVERFLOW + 1);
  if (start < window.from) return end;
  if (types.has('iban') && mayBeginIban(window, start)) findings.decide(start - 2, (found) => add(found, iban(window, start - 2)));
  if (types.has('phone') && end - start <= 15) {
    const from = phoneStart(window, start);
    findings.decide(from, (found) =>
      add(
        found,
        phone(window, from, () => nearestIs(context, 'phone', from)),
      ),
    );
  }
  findings.decide(start, (found) =>
    decideGroup(window, { start, end: digitsEnd(window, start, DIGIT_OVERFLOW + 1) }, types, context, found),
  );
  return end;
}

function decideGroup(window: Window, group: Group, types: ReadonlySet<string>, context: Context, found: Candidate[]): void {
  const length = group.end - group.start;
  if (length > DIGIT_OVERFLOW) {
    const type = HIDDEN.find((name) => types.has(name));
    if (type !== undefined) {
      found.push({ start: group.start, end: group.end - 1, type, rule: 'digit_overflow@1', score: 0.3, strength: LIKELY, more: 'digits' });
    }
    return;
  }
  if (length <= 7) {
    const groups = groupsFrom(window, group);
    if (groups.length > 1) {
      if (types.has('credit_card')) add(found, printedCard(window, groups));
      if (types.has('us_ssn')) add(found, printedSsn(window, groups));
      if (types.has('ip_address')) add(found, ipv4(window, groups));
    }
  }
  if (length >= 6) decideBare(window, group, types, context, found);
}

function decideBare(window: Window, group: Group, types: ReadonlySet<string>, context: Context, found: Candidate[]): void {
  const length = group.end - group.start;
  if (length >= 12 && types.has('credit_card')) add(found, bareCard(window, group, context.nearest('card', group.start) >= 0));
  if (length > 17 || !opensNumber(window, group.start) || !closesNumber(window, group.end)) return;
  if (length === 8 && inPlaceholder(window, group)) return;
  const said = nearestKind(context, group.start);
  if (length === 9) {
    if (types.has('us_ssn') && said === 'ssn') add(found, bareSsn(window, group));
    if (types.has('us_aba_routing')) add(found, routing(window, group, said === 'routing'));
  }
  if (types.has('us_bank_account') && said === 'account') add(found, account(window, group));
}

/** `[US_SSN:12345678]`: our own placeholder, whose digest happens to be all digits. */
function inPlaceholder(window: Window, group: Group): boolean {
  if (window.at(group.start - 1) !== COLON || window.at(group.end) !== 93) return false;
  let index = group.start - 2;
  while (group.start - index < 66 && (isAlnum(window.at(index)) || window.at(index) === 95)) index--;
  return window.at(index) === 91 && !isDigit(window.at(index + 1));
}

const KINDS: readonly ContextKind[] = ['ssn', 'routing', 'account', 'phone'];

/** Which kind of word stands nearest before the number. */
function nearestKind(context: Context, start: number): ContextKind | null {
  let best: ContextKind | null = null;
  let bestEnd = -1;
  for (const kind of KINDS) {
    const end = context.nearest(kind, start);
    if (end > bestEnd) [best, bestEnd] = [kind, end];
  }
  return best;
}

function nearestIs(context: Context, kind: ContextKind, start: number): boolean {
  return nearestKind(context, start) === kind;
}

function add(found: Candidate[], candidate: Candidate | null): void {
  if (candidate !== null) found.push(candidate);
}
