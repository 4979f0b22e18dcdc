import { classifyDecline } from '../../../../workflows/domain/payment/declines';

describe('how serious a refusal is', () => {
  it.each([
    ['insufficient_funds', 'soft'],
    ['generic_decline', 'soft'],
    ['do_not_honor', 'soft'],
    ['processing_error', 'soft'],
    ['try_again_later', 'soft'],
    ['a_code_of_next_year', 'soft'],
    ['lost_card', 'hard'],
    ['stolen_card', 'hard'],
    ['pickup_card', 'hard'],
    ['incorrect_number', 'hard'],
    ['highest_risk_level', 'hard'],
    ['transaction_not_allowed', 'hard'],
    ['revocation_of_authorization', 'hard'],
    ['revocation_of_all_authorizations', 'hard'],
    ['expired_card', 'hard'],
    ['invalid_account', 'hard'],
    ['do_not_try_again', 'hard'],
    ['incorrect_cvc', 'hard'],
    ['authentication_required', 'authentication'],
  ])('%s is %s', (declineCode, declineClass) => {
    expect(classifyDecline({ declineCode })).toMatchObject({ declineClass });
  });

  it.each([
    ['advice not to try again', { declineCode: 'generic_decline', adviceCode: 'do_not_try_again' }, 'hard'],
    ['advice to check the card', { declineCode: 'generic_decline', adviceCode: 'confirm_card_data' }, 'hard'],
    ['advice to try later, of an expired card', { declineCode: 'expired_card', adviceCode: 'try_again_later' }, 'soft'],
    ['the same of a card that is never tried', { declineCode: 'lost_card', adviceCode: 'try_again_later' }, 'hard'],
    [
      'advice against authentication',
      { declineCode: 'authentication_required', adviceCode: 'do_not_try_again' },
      'authentication',
    ],
    ['Mastercard 03', { declineCode: 'generic_decline', networkAdviceCode: '03' }, 'hard'],
    ['Mastercard 21', { declineCode: 'generic_decline', networkAdviceCode: '21' }, 'hard'],
    ['Mastercard 24, after an hour', { declineCode: 'generic_decline', networkAdviceCode: '24' }, 'soft'],
    ['Visa 1A', { declineCode: 'generic_decline', networkDeclineCode: '1A' }, 'authentication'],
    ['65, which means two things', { declineCode: 'generic_decline', networkDeclineCode: '65' }, 'soft'],
    ['41, lost', { declineCode: 'generic_decline', networkDeclineCode: '41' }, 'hard'],
    ['51, no funds', { declineCode: 'generic_decline', networkDeclineCode: '51' }, 'soft'],
    ['nothing at all', {}, 'soft'],
  ] as const)('%s: %j is %s', (_name, decline, declineClass) => {
    expect(classifyDecline(decline)).toMatchObject({ declineClass });
  });

  it('says why', () => {
    expect(classifyDecline({ declineCode: 'lost_card' }).why).toBe('never tried again: lost_card');
    expect(classifyDecline({ declineCode: 'insufficient_funds' }).why).toContain('insufficient_funds');
    expect(classifyDecline({}).why).toBe('no reason was given');
  });
});
