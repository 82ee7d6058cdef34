import type { Context } from '../engine/context.js';
import { contextMask } from '../engine/context-kinds.js';
import { LIKELY, VERIFIED, CONTEXT_REACH, type Candidate, type Window } from '../engine/window.js';
import { calledBehind } from './called.js';
import { allSame, digitsOf, type Group } from './digit-run.js';

const ABA_RULE = 'us_aba_routing@1';
const ACCOUNT_RULE = 'us_bank_account@2';

/** Ends directly before the number: "account number is ", `acct_no: "`. */
const ADJACENT =
  /(?:accounts?|accts?|a\/c|checking|savings|chequing)(?:[ _-]?(?:numbers?|num|no|nr|id))?(?:\s+(?:is|was|at|to|from))?[\s.:#='"`\\*_-]*$/i;

/** yyyymmdd or mmddyyyy of our time. */
const DATE = /^(?:(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:19|20)\d\d)$/;

/** ABA: weights 3-7-1; first two digits 00-12 (Federal Reserve), 21-32 (thrift), 61-72 (electronic), 80 (traveller's cheques). */
export function isRouting(digits: string): boolean {
  if (digits.length !== 9 || allSame(digits)) return false;
  const head = Number(digits.slice(0, 2));
  if (!(head <= 12 || (head >= 21 && head <= 32) || (head >= 61 && head <= 72) || head === 80)) return false;
  let sum = 0;
  for (let index = 0; index < 9; index++) sum += (digits.charCodeAt(index) - 48) * ([3, 7, 1][index % 3] as number);
  return sum % 10 === 0;
}

/** Nine digits with a good check digit; certain only when words before say so. */
export function routing(window: Window, group: Group, said: boolean): Candidate | null {
  if (!isRouting(digitsOf(window, group.start, group.end))) return null;
  return {
    start: group.start,
    end: group.end,
    type: 'us_aba_routing',
    rule: ABA_RULE,
    score: said ? 0.95 : 0.4,
    strength: said ? VERIFIED : LIKELY,
  };
}

/** "19 725 945 accounts": what is counted, and names no number. */
const COUNTED = /\d accounts?(?![\s\S]*(?:account|acct|checking|savings|chequing))/i;
/** A ticket's or order's prefix, an amount: "T-38149133", "$12345678". */
const MARKED = /[A-Za-z][-_]$|\$$/;
/** The name directly before the number: "statement no. ". */
const NAMED = /([A-Za-z]+)[ _-]?(?:no|nr|num|number|id|#)[\s.:#='"`\\*]*$/i;
const NAMED_REACH = 24;
const NO_NAME = /^(?:the|its|my|your|his|her|their|our|this|that|a|an|new|account|acct|bank|checking|savings)$/i;
const ACCOUNT_OR_ITEM = contextMask(['account', 'item']);
/** What else has numbers of its own where accounts are spoken of. */
const THING =
  /(?<![a-z])(?:request|batch|check|cheque|slip|job|po|shipment|parcel|confirmation|receipt|error|session|trace|serial|sku|part|contract|quote|task|issue|bug|build|release|permit|certificate|passport|employee|badge|voucher|waybill|container|approval|authorization)(?:number|num|no|nr|id)?(?![a-z])/gi;
const ACCOUNT = /(?:account|acct|a\/c|checking|savings|chequing|deposit)/gi;

/**
 * 8 to 17 digits after words that call them an account, unless words nearer call them something else; six and seven only directly after such words; or
 * before such words.
 */
export function account(window: Window, group: Group, said: boolean, context: Context): Candidate | null {
  const length = group.end - group.start;
  if (!said && (length < 8 || calledBehind(window, group.end, true) !== 'account')) return null;
  const before = window.text.slice(Math.max(0, group.start - CONTEXT_REACH), group.start);
  const adjacent = said && ADJACENT.test(before);
  if (!adjacent && (length < 8 || DATE.test(window.text.slice(group.start, group.end)) || MARKED.test(before))) return null;
  if (said && !adjacent && isOther(before, group.start, context)) return null;
  return {
    start: group.start,
    end: group.end,
    type: 'us_bank_account',
    rule: ACCOUNT_RULE,
    score: adjacent || !said ? 0.85 : 0.6,
    strength: LIKELY,
  };
}

/** Whether words nearer than the account's say what the number is: an order, a ticket, a batch. */
function isOther(before: string, start: number, context: Context): boolean {
  if (context.nearest(start, ACCOUNT_OR_ITEM) !== 'account' || COUNTED.test(before)) return true;
  const thing = lastOf(THING, before);
  if (thing >= 0 && thing > lastOf(ACCOUNT, before)) return true;
  const name = NAMED.exec(before.slice(-NAMED_REACH))?.[1];
  return name !== undefined && !NO_NAME.test(name);
}

function lastOf(words: RegExp, text: string): number {
  let last = -1;
  for (const { index } of text.matchAll(words)) last = index;
  return last;
}
