// The fifth held-out set, of card codes, CUSIPs and account numbers: written after the fourth had shown what was missed and before anything was changed for
// it, measured once, without a change of a rule since (docs/adr/0110).
import { filled } from './fill.mjs';

const TEMPLATES = [
  // Card codes.
  'payment declined, customer re-entered cvv {card_cvv} and card {credit_card}',
  '{"card_number":"{credit_card}","exp_month":7,"exp_year":2028,"security_code":"{card_cvv}"}',
  'CVC code on the card: {card_cvv}',
  'name on card J ROE, number {credit_card}, exp 07/28, cvc {card_cvv}',
  'cc: {credit_card} / 0728 / {card_cvv}',
  'cvv2={card_cvv}&zip=94107',
  'The caller gave the 3-digit security code {card_cvv} before I could stop her.',
  "INSERT INTO pay(pan, exp, cvv) VALUES ('{credit_card}', '0728', '{card_cvv}')",
  'Card Verification Code: {card_cvv}',
  '{card_cvv} is what it says on the back of my card',
  'the 4 digit CID on my amex is {card_cvv}',
  'card {credit_card} exp 7/28 code {card_cvv}',
  '<Cvv2Val>{card_cvv}</Cvv2Val>',
  'CVV - {card_cvv}, Exp - 07/28',
  // Securities.
  'CUSIP {cusip} was called at par on <plaindate>.',
  'cusip,qty,price\n{cusip},<qty>,99.5',
  'Security: {cusip} US TREASURY N/B 4.5 11/15/33',
  'settle 1,000 {cusip} vs payment, cusip attached',
  '<Cusip>{cusip}</Cusip>',
  'Bond identifier {cusip} does not match the confirm.',
  '{"securityIdentifier":"{cusip}","type":"CUSIP"}',
  'new issue {cusip} (cusip) priced at 98',
  'position in {cusip}: 25,000 shares',
  'CUSIP for the Class A shares: {cusip}',
  // Accounts.
  'My checking account is {us_bank_account} at the Main St branch.',
  'Please debit {us_bank_account} (checking account) on <plaindate>.',
  'Acct: {us_bank_account} | Ref: <order>',
  'account number {us_bank_account}, routing number {us_aba_routing}',
  '<acctNum>{us_bank_account}</acctNum>',
  'transfer <amount> from account {us_bank_account} to account {us_bank_account}',
  'bank acct # is {us_bank_account}; ticket <ticket>',
  'depositAccountNumber: "{us_bank_account}"',
  'A/C No: {us_bank_account}',
  'the new account, {us_bank_account}, is active; order <order> shipped',
  // Nothing to find.
  'account opened, welcome kit under tracking <order>',
  'Account: see case <order>; transaction <order> reversed',
  'the savings plan booklet, item <order>',
  '<count> accounts reviewed; next batch is <order>',
  'CVV response code <three>, AVS response code <three>',
  'no cvv on file; <three> retries',
  'call <three> on the back line, code <last4>',
  'card ending <last4>, <three> points, page <three>',
  'security desk code <three> changed on <plaindate>',
  'serial <nine>, model <nine>, bond issue none',
  'shares of load: host <nine> took <three> requests',
];

export const fifth = () => filled(TEMPLATES, 2000, 16_180_339);
