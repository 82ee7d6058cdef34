import type { Context } from '../engine/context.js';
import { COLON, isAlnum, isDigit, isLetter, isSeparator, OPEN_PAREN, PLUS, SLASH, SPACE } from '../engine/characters.js';
import { LIKELY, OVERFLOW_RULE, type Findings, type Window } from '../engine/window.js';
import type { Wanted } from '../entity-types.js';
import { account, routing } from './bank.js';
import { addressAt } from '../free-text/address.js';
import { bareCard, printedCard } from './card.js';
import { closesNumber, digitsEnd, groupsFrom, opensNumber, type Group } from './digit-run.js';
import { codeAt } from './cvv.js';
import { iban, mayBeginIban } from './iban.js';
import { bareEin, printedEin } from './ein.js';
import { ipv4 } from './ip.js';
import { phone, phoneStart } from './phone.js';
import { bareCusip, securitiesAt } from './securities.js';
import { bareSsn, printedSsn } from './ssn.js';
import { track, trackStart } from './track.js';

/** More digits in a row than this are no number anybody writes; they could hide several, so they are masked whole (docs/adr/0030-detection.md). */
export const DIGIT_OVERFLOW = 64;

/** Decides everything that may begin at the digit group at `start`, or just before it (`+`, `(`, a country code); gives the group's end. */
export function numbersAt(window: Window, start: number, wanted: Wanted, context: Context, findings: Findings): number {
  const end = digitsEnd(window, start, DIGIT_OVERFLOW + 1);
  if (wanted.address && end - start <= 6) addressAt(window, start, end, findings);
  if (wanted.cvv && (end - start === 3 || end - start === 4)) codeAt(window, start, end, findings);
  if (wanted.isin || wanted.cusip) securitiesAt(window, start, end, wanted, context, findings);
  if (wanted.card && (end - start >= 12 || end === window.end)) trackAt(window, start, end, findings);
  if (start < window.from || isPlainNumber(window.text, start, end)) return end;
  if (wanted.iban && mayBeginIban(window, start) && findings.begin(start - 2)) {
    findings.add(iban(window, start - 2));
    findings.finish(start - 2);
  }
  // Inside a word nothing begins but a row too long for any number.
  const inWord = isAlnum(window.at(start - 1)) && end - start <= DIGIT_OVERFLOW;
  if (wanted.phone && !inWord && end - start <= 15) {
    const from = phoneStart(window, start);
    if (findings.begin(from)) {
      findings.add(phone(window, from, start, end, context));
      findings.finish(from);
    }
  }
  findings.begin(start);
  if (!inWord) decideGroup(window, { start, end }, wanted, context, findings);
  // The group itself may go on.
  window.at(end);
  findings.finish(start);
  return end;
}

function trackAt(window: Window, start: number, end: number, findings: Findings): void {
  const from = trackStart(window, start);
  if (from < 0 || !findings.begin(from)) return;
  // The digits themselves may go on.
  window.at(end);
  findings.add(track(window, from, start, end));
  findings.finish(from);
}

/** A short number by itself, or digits within a word: most numbers in a text are, and no rule takes one of them. */
function isPlainNumber(text: string, start: number, end: number): boolean {
  if (end + 1 >= text.length) return false;
  const before = start === 0 ? SPACE : text.charCodeAt(start - 1);
  if (isLetter(before)) return end - start <= DIGIT_OVERFLOW && !isLetter(text.charCodeAt(start - 2));
  if (end - start >= 6 || before === PLUS || before === OPEN_PAREN) return false;
  const next = text.charCodeAt(end);
  if (next === OPEN_PAREN) return false;
  const after = text.charCodeAt(end + 1);
  return !((isSeparator(next) || next === SLASH) && (isDigit(after) || after === OPEN_PAREN));
}

function decideGroup(window: Window, group: Group, wanted: Wanted, context: Context, findings: Findings): void {
  const length = group.end - group.start;
  if (length > DIGIT_OVERFLOW) {
    const type = wanted.overflow;
    if (type === null) return;
    findings.add({ start: group.start, end: group.end - 1, type, rule: OVERFLOW_RULE, score: 0.3, strength: LIKELY, more: 'digits' });
    return;
  }
  if (length <= 4 && isSeparator(window.at(group.end)) && isDigit(window.at(group.end + 1))) {
    const groups = groupsFrom(window, group);
    if (length >= 3 && wanted.card) findings.add(printedCard(window, groups));
    if (length === 3 && (wanted.ssn || wanted.itin)) findings.add(printedSsn(window, groups, wanted));
    if (length === 2 && wanted.ein) findings.add(printedEin(window, groups, context));
    if (wanted.ip) findings.add(ipv4(window, groups));
  }
  if (length >= 6) decideBare(window, group, wanted, context, findings);
}

function decideBare(window: Window, group: Group, wanted: Wanted, context: Context, findings: Findings): void {
  const length = group.end - group.start;
  if (length > 19 || !opensNumber(window, group.start) || !closesNumber(window, group.end)) return;
  if (length >= 12 && wanted.card) findings.add(bareCard(window, group, context));
  if (length > 17 || (length === 8 && inPlaceholder(window, group))) return;
  if (!(wanted.account || (length === 9 && wanted.nine))) return;
  const said = context.nearest(group.start, wanted.kinds);
  if (length === 9) {
    if (said === 'ssn' || said === 'itin') findings.add(bareSsn(window, group, wanted));
    if (said === 'ein') findings.add(bareEin(window, group));
    if (wanted.cusip && (said === 'cusip' || said === null)) findings.add(bareCusip(window, group, said !== null));
    // The check digit of one kind is that of the other by chance.
    if (said !== 'cusip' && wanted.routing) findings.add(routing(window, group, said === 'routing'));
  }
  if (wanted.account) findings.add(account(window, group, said === 'account', context));
}

/** `[US_SSN:12345678]`: our own placeholder, whose digest happens to be all digits. */
function inPlaceholder(window: Window, group: Group): boolean {
  if (window.at(group.start - 1) !== COLON || window.at(group.end) !== 93) return false;
  let index = group.start - 2;
  while (group.start - index < 66 && (isAlnum(window.at(index)) || window.at(index) === 95)) index--;
  return window.at(index) === 91 && !isDigit(window.at(index + 1));
}
