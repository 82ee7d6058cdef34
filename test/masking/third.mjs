// Was the third held-out set, of card codes, CUSIPs and account numbers: written before the rules of these three types were changed and measured once after
// that (docs/adr/0110 has the figures). It led to a change of rules, so it is part of the development set now.
import { filled } from './fill.mjs';

const TEMPLATES = [
  // Card codes.
  'Agent: and the three digits on the back?\nCaller: {card_cvv}',
  'Manual key entry: PAN {credit_card}, exp 0427, CVV2 {card_cvv}, AVS <last4>',
  '<CardNumber>{credit_card}</CardNumber><ExpDate>0829</ExpDate><CVV2>{card_cvv}</CVV2>',
  'payment_method: { number: "{credit_card}", exp_month: 4, exp_year: 2029, cvc: "{card_cvv}" }',
  'I gave her the card verification value, {card_cvv}, and she still asked again.',
  '{credit_card}|03|2028|{card_cvv}',
  '{credit_card} 11/27 {card_cvv}',
  'Amex {credit_card}, CID {card_cvv}, approved <amount>',
  'stripe.createToken("{credit_card}", "11", "2029", "{card_cvv}")',
  'The security code on the back of my Visa is {card_cvv}.',
  'Card security code (3 digits): {card_cvv}',
  '| PAN | {credit_card} |\n| CVC | {card_cvv} |',
  'cardCvv={card_cvv}&cardNumber={credit_card}',
  'It is {card_cvv} (CVV), expiring 02/28.',
  'He said {card_cvv} is the CVV, not <last4>.',
  // Securities.
  'Bought 5,000 face of {cusip} at 101.25, settle <plaindate>.',
  '{"cusip":"{cusip}","quantity":<qty>,"price":99.875}',
  'Cusip No. {cusip} (the "Notes") under the indenture dated <plaindate>',
  '22=1|48={cusip}|55=[N/A]|54=2',
  'Series 2031 bonds, {cusip}, callable <plaindate>',
  'security_id,{cusip}\nid_type,CUSIP',
  'Please journal {cusip} (CUSIP) to the margin account.',
  'The Treasury note {cusip} pays 4.125 percent.',
  'CUSIP number of the issue is {cusip}; ISIN {isin}.',
  'Holdings: {cusip}, {cusip} and {cusip}, by CUSIP.',
  'CUSIPs affected:\n- {cusip}\n- {cusip}',
  // Accounts.
  'Debit account {us_bank_account} for <amount>, ticket <ticket>.',
  'My account number is {us_bank_account} and the order was <order>.',
  'acct#{us_bank_account} rt#{us_aba_routing}',
  'Case <order>: the customer wants account {us_bank_account} closed.',
  'ACH to {us_aba_routing} / {us_bank_account} (checking)',
  'From: savings {us_bank_account}\nTo: checking {us_bank_account}\nMemo: <invoice>',
  '<AccountNumber>{us_bank_account}</AccountNumber><Reference><order></Reference>',
  'Deposit acct ({us_bank_account}) was opened <plaindate>.',
  '{us_bank_account} is her bank account number.',
  'bank_account_no = "{us_bank_account}"  # routing "{us_aba_routing}"',
  // Nothing to find.
  'The account manager opened ticket <order> and closed case <order>.',
  'Accounts payable: invoice <order>, purchase order <order>, due <plaindate>.',
  'Your account is fine; the shipment <order> is late, reference <order>.',
  '<qty> accounts were migrated in batch <order> on <plaindate>.',
  'Account review <plaindate>, request #<order>, see CASE-<order>.',
  'The savings from job <order> were <amount>.',
  'Security code of the door changed; room <three>, floor <last4>.',
  'CVV mismatch on <three> transactions, decline code <three>.',
  'The CVV check returned <three> for order <order>.',
  'Visa fee <three> dollars, exp 12/27, page <three> of <three>.',
  'card <last4>, suite <three>, <count> points',
  'Part <nine> replaces <nine>; bond the two with glue <three>.',
  'Release notes: build <nine>, commit <hash>.',
  'License plates <nine>, <nine>; see note <three>.',
];

export const third = () => filled(TEMPLATES, 2000, 31_415_926);
