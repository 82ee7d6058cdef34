// Was the fourth held-out set, of card codes, CUSIPs and account numbers: written after the third had shown what was missed and before anything was changed
// for it, and measured once (docs/adr/0110 has the figures). It led to a change of rules, so it is part of the development set now.
import { filled } from './fill.mjs';

const TEMPLATES = [
  // Card codes.
  'Customer confirmed the CVC, {card_cvv}, and the billing zip.',
  'cvv2 was {card_cvv}; expiry 2029-04',
  'verification_value="{card_cvv}" month="4" year="2028"',
  'Card: {credit_card}\nExp: 01/30\nCVV: {card_cvv}',
  '{"number":"{credit_card}","expiry":"01/30","cvv":"{card_cvv}"}',
  'Put it on the Amex: {credit_card}, 11/29, {card_cvv}.',
  '{credit_card}|11|29|{card_cvv}|Mia Roe|94107',
  'Security code (CVV): {card_cvv}',
  'Enter CVC/CVV [{card_cvv}] and submit',
  'the cvc on my card is {card_cvv}, please try again',
  'CSC={card_cvv};PAN={credit_card}',
  'Her CVV number? I think {card_cvv}.',
  '<securityCode>{card_cvv}</securityCode>',
  'new Card("{credit_card}", 3, 2030, "{card_cvv}")',
  '{card_cvv} is the three-digit code on the back.',
  'Visa {credit_card} (exp 06/27, cvv {card_cvv})',
  // Securities.
  'Ticket: BUY 2MM {cusip} @ 98.5',
  'CUSIP/ISIN: {cusip} / {isin}',
  'We hold corporate bonds {cusip} and {cusip}.',
  '<SecurityID>{cusip}</SecurityID><Source>CUSIP</Source>',
  'issue CUSIP={cusip} coupon=4.25',
  '35=8|55=IBM|48={cusip}|22=1|32=<qty>',
  'Please look up Cusip# {cusip} in the master file.',
  'The notes ({cusip}) were sold on <plaindate>.',
  '"identifiers": [{"type": "CUSIP", "value": "{cusip}"}]',
  'fund shares {cusip} transfer in kind',
  '{cusip} is the CUSIP we need.',
  // Accounts.
  'Account ending? No, the full account: {us_bank_account}.',
  'Wire from acct {us_bank_account} rejected, reference <order>.',
  'Please update my direct deposit to account no. {us_bank_account}, routing {us_aba_routing}.',
  '{"routing":"{us_aba_routing}","account":"{us_bank_account}","type":"checking"}',
  'Routing {us_aba_routing}\nAccount {us_bank_account}\nName Mia Roe',
  'The bank account {us_bank_account} belongs to <company>.',
  'Incident <order>: account {us_bank_account} was debited twice.',
  'savings account number {us_bank_account}, request <order>',
  'Send it to {us_bank_account}, that is my checking account.',
  'ACCT_NO={us_bank_account} BATCH=<order>',
  // Nothing to find.
  'Your account request <order> is in review; claim <order> is closed.',
  'account executive: see ticket no. <order>',
  'The account was flagged in batch <order> at <time>.',
  'Deposit <amount> by <plaindate>; confirmation <order>.',
  'Checking in: shipment <order> and parcel <order> arrived.',
  '<count> accounts and <count> cards as of <plaindate>; job <order>',
  'The CVV is missing in <three> rows.',
  'HTTP <three> for /cards/cvv, retried <three> times',
  'Security codes for <three> offices were reset.',
  'visa application <three>, fee <three> USD, exp <plaindate>',
  'Bond paper, article <nine>, <three> sheets',
  'note <nine> was overwritten by note <nine>',
  'CID <order> in the CRM, page <three>',
];

export const fourth = () => filled(TEMPLATES, 2000, 14_142_135);
